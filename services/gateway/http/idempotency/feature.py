"""Keys of requests, as the gateway registers them: they go after a day, or with their user."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.accounts import UserDeleted
from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.http.idempotency.jobs import FORGET_KEYS, ForgetKeysJob, forget
from services.gateway.http.idempotency.key_rows import remove_before
from services.gateway.http.idempotency.tables import idempotency_keys
from services.gateway.kernel.record import Feature, Kernel

AT_A_TIME = 1000


@dataclass(frozen=True)
class KeyForgetting:
    """Does the jobs."""

    at_a_time: int = AT_A_TIME

    async def forget(self, job: Job[ForgetKeysJob]) -> Sequence[Effect]:
        """Remove some keys, and have the next ones removed after them."""

        async def step(connection: AsyncConnection) -> Sequence[Effect]:
            more = await remove_before(connection, job.payload.until, self.at_a_time)
            return [forget(job.payload)] if more else []

        return [step]


def forget_keys_route(_kernel: Kernel) -> JobRoute:
    """Return what removes keys."""
    return FORGET_KEYS.done_by(KeyForgetting().forget)


def _user_deleted(_kernel: Kernel, event: UserDeleted) -> Sequence[Effect]:
    return [delete(idempotency_keys).where(idempotency_keys.c.user_id == str(event.user_id))]


def _document_deleted(_kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    about = idempotency_keys.c.document_id == str(event.document_id)
    return [update(idempotency_keys).where(about).values(status=None, headers=None, body=None)]


IDEMPOTENCY = Feature(
    name="idempotency",
    tables=(idempotency_keys,),
    reactions={UserDeleted: _user_deleted, DocumentDeleted: _document_deleted},
    work=(forget_keys_route,),
)
