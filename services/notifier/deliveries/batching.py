"""Which mail a notice goes out in, and when: decided from rows, without a database.

Notices of the same kind to the same mailbox (``batch``) that arrive while a mail about them is
still waiting go out in that mail. The next mail of the batch comes no sooner than
``DeliverySchedule.batch_interval_ms`` later. Three hundred failing pages are one or two mails, and
all of them are told.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.notices import Notice


@dataclass(frozen=True)
class DeliverySchedule:
    """How often a target is tried, and how mails are collected (milliseconds)."""

    max_attempts: int
    batch_wait_ms: int
    batch_interval_ms: int


def batch_of(notice: Notice, sameness: str) -> str:
    """Return what notices have in common that may share a mail; ``sameness`` is of their events."""
    parts = (notice.target_key, notice.about_type, sameness)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def batched(
    new: DeliveryRow,
    batch: str,
    schedule: DeliverySchedule,
    *,
    newest_mail: DeliveryRow | None,
    open_mail: DeliveryRow | None,
) -> DeliveryRow:
    """Return ``new`` with its place in the batch.

    ``newest_mail`` is the row of the mail of the batch that is due last, ``open_mail`` that of the
    one that others may still join. A row without ``told_by`` begins a mail, and needs a job.
    """
    if open_mail is not None:
        return new.in_batch(batch, due_at_ms=open_mail.due_at_ms, told_by=open_mail.notification_id)
    due_at_ms = new.created_at_ms + schedule.batch_wait_ms
    if newest_mail is not None:
        due_at_ms = max(due_at_ms, newest_mail.due_at_ms + schedule.batch_interval_ms)
    return new.in_batch(batch, due_at_ms=due_at_ms, told_by=None)


def pages_of(deliveries: Sequence[DeliveryRow]) -> list[int]:
    """Return the pages that one mail tells of, ascending, each once."""
    return sorted({row.page for row in deliveries if row.page is not None})
