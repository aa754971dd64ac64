"""Shares as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.permissions import ShareLevel


@dataclass(frozen=True, kw_only=True)
class ShareRow:
    """A share that was granted. Moments are RFC 3339 in UTC, so that they compare as texts."""

    share_id: UUID
    document_id: UUID
    granted_by: UUID
    granted_to: UUID | None
    granted_level: ShareLevel
    granted_expires_at: str | None
    granted_at: str
    claimed_by: UUID | None
    changed_level: ShareLevel | None
    changed_expires_at: str | None
    changed_at: str | None
    ended_at: str | None
    address: str | None
    message: str | None

    @property
    def recipient(self) -> UUID | None:
        """Who has it; None for an invitation that nobody has claimed."""
        return self.claimed_by or self.granted_to

    @property
    def level(self) -> ShareLevel:
        """What it grants now."""
        return self.changed_level or self.granted_level

    @property
    def expires_at(self) -> str | None:
        """When it ends by itself."""
        return self.granted_expires_at if self.changed_at is None else self.changed_expires_at

    def is_active(self, now: str) -> bool:
        """Tell whether it grants anything at ``now``."""
        return self.ended_at is None and (self.expires_at is None or self.expires_at > now)


def best_share(shares: list[ShareRow], now: str) -> ShareRow | None:
    """Return the one of ``shares`` that grants most at ``now``; they are one user's."""
    active = [share for share in shares if share.is_active(now)]
    return max(active, key=lambda share: list(ShareLevel).index(share.level), default=None)


def best(shares: list[ShareRow], now: str) -> ShareLevel | None:
    """Return the most that any of ``shares`` grants at ``now``; they are one user's."""
    found = best_share(shares, now)
    return None if found is None else found.level
