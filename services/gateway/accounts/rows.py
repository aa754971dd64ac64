"""Tokens as values."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """A token without what would let somebody in: whose it is, and until when it is valid."""

    name: str
    owner_id: UUID
    created_at: str
    expires_at: str | None
    revoked_at: str | None

    def state(self, now: str) -> str:
        """Return ``valid``, ``expired`` or ``revoked``; ``now`` is a moment as RFC 3339."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"
