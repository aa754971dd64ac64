"""What every given-up piece of work leaves behind, be it an event or a job.

The sentence that says why may quote a document. It goes into an object of the document, and the
events refer to it. Once the document is deleted nothing is stored: the sweep may be over.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any
from uuid import UUID, uuid5

import structlog

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, MAX_REASON_CHARACTERS, FailureDetails
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.identifiers import uuid7
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.errors import LecternError
from libs.common.observability.metrics import Metrics
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.tombstones import are_deleted

log = structlog.get_logger(__name__)

TASKS = UUID("5b1f4c2e-6a0c-4f0e-9a57-0d8c1e1a7a11")
BUG = "bug"
UNEXPECTED = "Something unexpected went wrong on our side; it has been noted."
OURS = ("libs.", "services.", "lectern.")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,49}")


@dataclass(frozen=True)
class GivenUp:
    """Why work was given up, as an event may say it: a code, and where its sentence is."""

    code: str
    details: ObjectRef | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """A piece of work that was given up. ``name`` identifies it within its service and kind.

    ``about`` is the event, or the payload of the job; None if it cannot be read. What it has of
    ``document_id``, ``owner_id``, ``requested_by``, ``page`` and ``stream`` is told.
    """

    kind: str
    name: str
    about: Any
    attempts: int


GaveUp = Callable[[Any, GivenUp], Sequence[Effect]]


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Those of one service."""

    service: str
    metrics: Metrics
    storage: Storage
    database: Database

    async def given_up(
        self, task: Task, error: BaseException, gave_up: GaveUp | None = None
    ) -> Sequence[Effect]:
        """Return what is to be recorded for work that is given up: its domain's event, and ours.

        A domain that fails to say what it owes is a bug, and keeps nobody from learning of the
        failure.
        """
        log.warning("work given up", kind=task.kind, task=task.name, code=code_of(error))
        reason = GivenUp(code_of(error), await self._details(task, error))
        owed: Sequence[Effect] = []
        if task.about is not None and gave_up is not None:
            try:
                owed = gave_up(task.about, reason)
            except Exception:
                self.bug("nothing can be said for work given up", task.kind, task.name)
        return [*owed, task_failed(self.service, task, reason, where=raised_in(error))]

    def bug(self, what: str, kind: str, task: str) -> None:
        """Log the exception that is being handled, and count it; nobody expected it."""
        log.exception(what, kind=kind, task=task)
        self.metrics.bugs_total.labels(where=kind).inc()

    async def _details(self, task: Task, error: BaseException) -> ObjectRef | None:
        """Store the sentence; None where there is no document any more, or no storage just now."""
        document_id = getattr(task.about, "document_id", None)
        if document_id is None or task.kind == DocumentDeleted.topic:
            return None
        reason = str(error) if isinstance(error, LecternError) else UNEXPECTED
        key = f"documents/{document_id}/failures/{uuid7()}.json"
        try:
            if await self._is_deleted(document_id):
                return None
            details = FailureDetails(reason=reason[:MAX_REASON_CHARACTERS])
            return await self.storage.write(key, details.encode(), DETAILS)
        except LecternError as unstored:
            log.warning("a reason could not be stored", task=task.name, code=unstored.code)
        except Exception:  # raised again, it would have the work be given up for ever
            self.bug("a reason could not be stored", task.kind, task.name)
        return None

    async def _is_deleted(self, document_id: UUID) -> bool:
        async with self.database.querying() as connection:
            return await are_deleted(connection, str(document_id))


def code_of(error: BaseException) -> str:
    """Return the code of an error, as events may hold it; that of an unexpected one is ``bug``."""
    if not isinstance(error, LecternError):
        return BUG
    return error.code if _CODE.fullmatch(error.code) else "error"


def raised_in(error: BaseException) -> str:
    """Return the function of ours that raised an error, empty if it came from elsewhere."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    modules = [(str(frame.f_globals.get("__name__", "")), frame) for frame in frames]
    ours = [f"{name}.{frame.f_code.co_name}" for name, frame in modules if name.startswith(OURS)]
    return ours[-1] if ours else ""


def task_failed(service: str, task: Task, reason: GivenUp, *, where: str = "") -> TaskFailed:
    """Return the event for work that was given up; the same task always gets the same id.

    ``where`` is what raised the error: it tells causes apart that share a code.
    """
    about = task.about
    return TaskFailed(
        task_id=uuid5(TASKS, f"{service}/{task.kind}/{task.name}"),
        service=service,
        kind=task.kind,
        document_id=getattr(about, "document_id", None),
        owner_id=getattr(about, "owner_id", None),
        requested_by=getattr(about, "requested_by", None),
        about_stream=getattr(about, "stream", None),
        page=getattr(about, "page", None),
        code=reason.code,
        details=reason.details,
        attempts=max(1, task.attempts),
        fingerprint=fingerprint(service, task.kind, reason.code, where),
    )


def fingerprint(service: str, kind: str, code: str, where: str) -> str:
    """Return what failures of one cause share. Nothing that a document says is in it."""
    return hashlib.sha256("\n".join((service, kind, code, where)).encode()).hexdigest()[:16]
