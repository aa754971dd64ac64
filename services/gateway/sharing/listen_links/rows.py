"""Links as values."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class ListenLinkRow:
    """A link that nobody has ended. Moments are RFC 3339 in UTC, so that they compare as texts."""

    link_id: UUID
    document_id: UUID
    owner_id: UUID
    made_at: str
    expires_at: str
    label: str | None = field(repr=False)

    def is_active(self, now: str) -> bool:
        """Tell whether it opens anything at ``now``."""
        return self.expires_at > now
