"""What becomes of the shares of a user whose account is closed: they end, some at a time.

Those that others were granted by such a user end too: nobody answers for them any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from libs.common.contracts.sharing import ShareEnded
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.kernel.record import Kernel
from services.gateway.sharing.jobs import END_SHARES, EndSharesJob, ending
from services.gateway.sharing.selects import HAS_RECIPIENT
from services.gateway.sharing.tables import shares

AT_A_TIME = 100

_OPEN = (
    select(shares.c.share_id, shares.c.document_id, shares.c.owner_id)
    .where(
        or_(HAS_RECIPIENT, shares.c.granted_by == bindparam("user")),
        shares.c.granted_at.is_not(None),
        shares.c.ended_at.is_(None),
    )
    .order_by(shares.c.share_id)
)


@dataclass(frozen=True)
class ClosedAccounts:
    """Does the jobs of one kernel."""

    kernel: Kernel

    async def end(self, job: Job[EndSharesJob]) -> Sequence[Effect]:
        """End some shares, and have the next ones ended after them."""
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
        following = [ending(job.payload)] if ended else []
        return [*self.kernel.record(*ended), *following]


def end_shares_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return END_SHARES.done_by(ClosedAccounts(kernel).end)
