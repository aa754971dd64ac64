"""What every given-up piece of work leaves behind, whatever it was."""

import hashlib
import re
from uuid import UUID, uuid5

from libs.common.errors import LecternError
from libs.common.events import TaskFailed

TASKS = UUID("5b1f4c2e-6a0c-4f0e-9a57-0d8c1e1a7a11")
MAX_REASON_CHARACTERS = 500


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
