"""What becomes of the shares of a user whose account is closed: they end, some at a time.

Those that others were granted by such a user end too, and all of the user's documents, whoever
granted them: nobody answers for them any more. Links to these open nothing since the account was
closed; here their events follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from libs.common.contracts.sharing import ListenLinkEnded, ShareEnded
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.kernel.record import Kernel
from services.gateway.sharing.jobs import END_SHARES, EndSharesJob, ending
from services.gateway.sharing.selects import HAS_RECIPIENT
from services.gateway.sharing.tables import listen_links, shares

AT_A_TIME = 100

_OPEN = (
    select(shares.c.share_id, shares.c.document_id, shares.c.owner_id)
    .where(
        or_(
            HAS_RECIPIENT,
            shares.c.granted_by == bindparam("user"),
            shares.c.owner_id == bindparam("user"),
        ),
        shares.c.granted_at.is_not(None),
        shares.c.ended_at.is_(None),
    )
    .order_by(shares.c.share_id)
)
_OPEN_LINKS = (
    select(listen_links.c.link_id, listen_links.c.document_id)
    .where(
        listen_links.c.owner_id == bindparam("user"),
        listen_links.c.made_at.is_not(None),
        listen_links.c.ended_at.is_(None),
    )
    .order_by(listen_links.c.link_id)
)


@dataclass(frozen=True)
class ClosedAccounts:
    """Does the jobs of one kernel."""

    kernel: Kernel

    async def end(self, job: Job[EndSharesJob]) -> Sequence[Effect]:
        """End some shares and links, and have the next ones ended after them."""
        user = job.payload.user_id
        rows = await self.kernel.database.fetch(_OPEN.limit(AT_A_TIME), {"user": str(user)})
        ended = [
            ShareEnded(
                document_id=UUID(row.document_id),
                owner_id=UUID(row.owner_id),
                share_id=UUID(row.share_id),
                reason="account_closed",
                ended_by=user,
            )
            for row in rows
        ]
        links = await self._links(user)
        following = [ending(job.payload)] if ended or links else []
        return [*self.kernel.record(*ended, *links), *following]

    async def _links(self, user: UUID) -> list[ListenLinkEnded]:
        rows = await self.kernel.database.fetch(_OPEN_LINKS.limit(AT_A_TIME), {"user": str(user)})
        return [
            ListenLinkEnded(
                document_id=UUID(row.document_id),
                owner_id=user,
                link_id=UUID(row.link_id),
                reason="account_closed",
                ended_by=user,
            )
            for row in rows
        ]


def end_shares_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return END_SHARES.done_by(ClosedAccounts(kernel).end)
