"""Recording work."""

from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import BigInteger, bindparam, insert

from libs.common.contracts.base import Versioned
from libs.common.database.upsert import Write
from libs.common.store.jobs.queues import Queue
from libs.common.store.tables import READY, WAITING, jobs, now_ms


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """Work to be recorded together with the event that caused it.

    ``subject`` is what :class:`CancelJobs` names, ``owner`` whom fairness is between.
    """

    kind: str
    payload: BaseModel
    subject: str
    owner: str = ""
    max_attempts: int = 8
    delay_ms: int = 0

    @property
    def queue(self) -> Queue | None:
        """The queue in which it is to be counted; None if it is due later."""
        return None if self.delay_ms > 0 else (self.kind, self.owner)


def new_job(job: NewJob, traceparent: str | None) -> Write:
    """Return the row that records ``job``, which its queue does not count yet."""
    row = {
        "kind": job.kind,
        "subject": job.subject,
        "owner": job.owner,
        "payload": _encoded(job.payload),
        "status": READY if job.queue else WAITING,
        "max_attempts": job.max_attempts,
        "delay_ms": job.delay_ms,
        "traceparent": traceparent,
    }
    return Write(_RECORD, row)


def _encoded(payload: BaseModel) -> bytes:
    """An event says its version, so that replicas of two releases can share a table of jobs."""
    if isinstance(payload, Versioned):
        return payload.encode()
    return payload.model_dump_json().encode()


_RECORD = insert(jobs).values(
    kind=bindparam("kind"),
    subject=bindparam("subject"),
    owner=bindparam("owner"),
    payload=bindparam("payload"),
    status=bindparam("status"),
    attempts=0,
    max_attempts=bindparam("max_attempts"),
    run_at_ms=now_ms() + bindparam("delay_ms", type_=BigInteger()),
    traceparent=bindparam("traceparent"),
    created_at_ms=now_ms(),
)
