"""What every given-up piece of work leaves behind, be it an event or a job."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import structlog
from pydantic import BaseModel

from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import LecternError, Permanent
from libs.common.observability.metrics import Metrics
from libs.common.store.effects import Effect

log = structlog.get_logger(__name__)

TASKS = UUID("5b1f4c2e-6a0c-4f0e-9a57-0d8c1e1a7a11")
MAX_REASON_CHARACTERS = 500
UNEXPECTED = "an unexpected error"


@dataclass(frozen=True)
class Failures:
    """Those of one service."""

    service: str
    metrics: Metrics

    def given_up(
        self,
        *,
        kind: str,
        task: str,
        about: BaseModel | None,
        error: Exception,
        attempts: int,
        gave_up: Callable[[Any, LecternError], Sequence[Effect]],
    ) -> Sequence[Effect]:
        """Return what is to be recorded for work that is given up: its domain's event, and ours.

        ``about`` is the event, or the payload of the job; None if it cannot be read. A domain that
        fails to say what it owes is a bug, and keeps nobody from learning of the failure.
        """
        known = error if isinstance(error, LecternError) else Permanent(UNEXPECTED)
        log.warning("work given up", kind=kind, task=task, error=str(known))
        failure = task_failed(
            service=self.service,
            kind=kind,
            task=task,
            error=error,
            attempts=attempts,
            document_id=getattr(about, "document_id", None),
            page=getattr(about, "page", None),
        )
        owed: Sequence[Effect] = []
        if about is not None:
            try:
                owed = gave_up(about, known)
            except Exception:
                self.bug("nothing can be said for work given up", kind, task)
        return [*owed, failure]

    def bug(self, what: str, kind: str, task: str) -> None:
        """Log the exception that is being handled, and count it; nobody expected it."""
        log.exception(what, kind=kind, task=task)
        self.metrics.bugs_total.labels(where=kind).inc()


def task_failed(
    *,
    service: str,
    kind: str,
    task: str,
    error: BaseException,
    attempts: int,
    document_id: UUID | None,
    page: int | None = None,
) -> TaskFailed:
    """Return the event for work that was given up.

    ``task`` names the piece of work within the service; the same one always gets the same id. The
    reason of an unexpected error is only its type: its text could hold anything.
    """
    known = isinstance(error, LecternError)
    code = error.code if isinstance(error, LecternError) else "bug"
    reason = str(error) if known else f"unexpected {type(error).__name__}"
    return TaskFailed(
        task_id=uuid5(TASKS, f"{service}/{kind}/{task}"),
        service=service,
        kind=kind,
        document_id=document_id,
        page=page,
        code=code,
        reason=reason[:MAX_REASON_CHARACTERS],
        attempts=max(1, attempts),
        fingerprint=fingerprint(service, kind, code, reason),
    )


def fingerprint(service: str, kind: str, code: str, reason: str) -> str:
    """Return what failures of one cause share: numbers and ids in the reason do not count."""
    shape = re.sub(r"[0-9a-f]{8,}|\d+|'[^']*'", "*", reason.lower())
    return hashlib.sha256("\n".join((service, kind, code, shape)).encode()).hexdigest()[:16]
