"""What becomes of the documents of a user who is gone: they are deleted, some at a time.

Each deletion is an event that all services follow, so a shelf of them in one transaction would hold
up everybody else. Who was handing one in at that moment may still finish: the sweep gets that too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from libs.common.contracts.accounts import UserDeleted
from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.documents.leaving.jobs import DELETE_DOCUMENTS, DeleteDocumentsJob, deletion
from services.gateway.documents.tables import documents
from services.gateway.kernel.pending import GRACE_S
from services.gateway.kernel.record import Kernel, Reaction

AT_A_TIME = 50


@dataclass(frozen=True)
class Departures:
    """Does the jobs of one kernel."""

    kernel: Kernel

    async def delete(self, job: Job[DeleteDocumentsJob]) -> Sequence[Effect]:
        """Delete some documents, and have the next ones deleted after them."""
        gone = job.payload
        found = (
            select(documents.c.document_id)
            .where(documents.c.owner_id == str(gone.user_id), documents.c.deleted_at.is_(None))
            .order_by(documents.c.document_id)
            .limit(AT_A_TIME)
        )
        async with self.kernel.database.reading() as connection:
            left = list(await connection.scalars(found))
        deleted = [
            DocumentDeleted(
                document_id=UUID(document), owner_id=gone.user_id, deleted_by=gone.deleted_by
            )
            for document in left
        ]
        return [*self.kernel.record(*deleted), *self._following(gone, some_left=bool(left))]

    def _following(self, gone: DeleteDocumentsJob, *, some_left: bool) -> Sequence[Effect]:
        if some_left:
            return [deletion(gone)]
        if gone.last:
            return []
        sweep_s = self.kernel.limits.upload_timeout_seconds + GRACE_S
        return [deletion(gone.model_copy(update={"last": True}), int(sweep_s * 1000))]


def _user_deleted(_kernel: Kernel, event: UserDeleted) -> Sequence[Effect]:
    return [deletion(DeleteDocumentsJob(user_id=event.user_id, deleted_by=event.deleted_by))]


def delete_documents_route(kernel: Kernel) -> JobRoute:
    """Return what does the jobs."""
    return DELETE_DOCUMENTS.done_by(Departures(kernel).delete)


DEPARTURE_REACTIONS: Mapping[type[Event], Reaction] = {UserDeleted: _user_deleted}
