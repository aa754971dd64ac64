"""Which links a document gets and loses: its links in, events out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.sharing import LinkEndReason, ListenLinkEnded, ListenLinkMade
from libs.common.errors import Rejected
from services.gateway.kernel.errors import NotFound, QuotaExceeded
from services.gateway.sharing.listen_links.rows import ListenLinkRow

MOST_LINKS = 20
"""Of one document, at a time."""
LASTS = timedelta(days=30)
"""How long a link is good for unless its maker says otherwise."""
LONGEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class LinkedDocument:
    """A document and its links that nobody has ended, at ``now``.

    Who asks is the owner, which is checked where the document is looked up.
    """

    document_id: UUID
    owner_id: UUID
    links: Sequence[ListenLinkRow]
    now: datetime

    def make(
        self, caller: UUID, expires_at: datetime | None
    ) -> tuple[ListenLinkMade, list[ListenLinkEnded]]:
        """Return the event of making a link, and those of ending the ones that have expired.

        Raises:
            Rejected: It would end in the past, or too late.
            QuotaExceeded: The document has as many as one may have.
        """
        ends = expires_at or self.now + LASTS
        if ends <= self.now:
            raise Rejected("in_the_past", "A link cannot end in the past.")
        if ends > self.now + LONGEST:
            raise Rejected("lasts_too_long", f"A link lasts {LONGEST.days} days at most.")
        expired = [link for link in self.links if not link.is_active(rfc3339(self.now))]
        if len(self.links) - len(expired) >= MOST_LINKS:
            raise QuotaExceeded(f"A document has {MOST_LINKS} links at most; revoke one first.")
        made = ListenLinkMade(
            document_id=self.document_id,
            owner_id=self.owner_id,
            link_id=uuid4(),
            made_by=caller,
            expires_at=ends,
        )
        return made, [self._ended(link.link_id, "expired", caller) for link in expired]

    def revoke(self, caller: UUID, link_id: UUID) -> ListenLinkEnded:
        """Return the event of ending a link.

        Raises:
            NotFound: There is no such link.
        """
        if link_id not in {link.link_id for link in self.links}:
            raise NotFound("link")
        return self._ended(link_id, "revoked", caller)

    def _ended(self, link_id: UUID, reason: LinkEndReason, by: UUID) -> ListenLinkEnded:
        return ListenLinkEnded(
            document_id=self.document_id,
            owner_id=self.owner_id,
            link_id=link_id,
            reason=reason,
            ended_by=by,
        )
