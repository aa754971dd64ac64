"""What handlers record: a row for every notice, and the job that sends it.

Each is one step in the transaction that takes the event; a notice that is recorded already changes
nothing.
"""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.upsert import insert_or_ignore
from libs.common.store.effects import Effect, Step
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import now_ms
from services.notifier.deliveries.batching import DeliverySchedule, batch_of, batched
from services.notifier.deliveries.jobs import ACCOUNT_MAIL, BY_CHANNEL
from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.notices import ACCOUNTS, Notice
from services.notifier.tables import deliveries


def single_notice(notice: Notice, shown: str, schedule: DeliverySchedule) -> Step:
    """Record a notice that goes out by itself."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        row = DeliveryRow.due(notice, shown, now_ms=await _now_ms(connection))
        return [_job(notice, row, schedule)] if await _insert(connection, row) else []

    return step


def account_mail(notice: Notice, schedule: DeliverySchedule) -> Step:
    """Record a mail about an account or a share."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        row = DeliveryRow.due(notice, ACCOUNTS, now_ms=await _now_ms(connection))
        new = ACCOUNT_MAIL.new(
            notice,
            subject=f"notice/{ACCOUNTS}/{notice.notification_id}",
            owner=notice.target_key,
            max_attempts=schedule.max_attempts,
        )
        return [new] if await _insert(connection, row) else []

    return step


def expired_notice(notice: Notice, shown: str) -> Step:
    """Record a notice that comes too late to be sent."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        row = DeliveryRow.due(notice, shown, now_ms=await _now_ms(connection))
        await _insert(connection, row.expired())
        return []

    return step


def batched_notice(notice: Notice, shown: str, schedule: DeliverySchedule, sameness: str) -> Step:
    """Record a notice that goes out with others like it."""
    batch = batch_of(notice, sameness)

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        row = batched(
            DeliveryRow.due(notice, shown, now_ms=await _now_ms(connection)),
            batch,
            schedule,
            newest_mail=await _newest_mail(connection, batch),
            open_mail=await _open_mail(connection, batch),
        )
        is_new = await _insert(connection, row)
        return [_job(notice, row, schedule)] if is_new and row.told_by is None else []

    return step


def _mails_of(batch: str) -> Select[*tuple[object, ...]]:
    return select(deliveries).where(deliveries.c.batch == batch, deliveries.c.told_by.is_(None))


async def _newest_mail(connection: AsyncConnection, batch: str) -> DeliveryRow | None:
    return await _first(
        connection, _mails_of(batch).order_by(deliveries.c.due_at_ms.desc()).limit(1)
    )


async def _open_mail(connection: AsyncConnection, batch: str) -> DeliveryRow | None:
    """Return the mail that others may still join, locked: ``outcomes.Attempt`` closes it."""
    waiting = _mails_of(batch).where(deliveries.c.status == "waiting", deliveries.c.attempts == 0)
    return await _first(connection, waiting.limit(1).with_for_update())


async def _first(
    connection: AsyncConnection, query: Select[*tuple[object, ...]]
) -> DeliveryRow | None:
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else DeliveryRow.of(row)


async def _now_ms(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(now_ms()))).scalar_one())


async def _insert(connection: AsyncConnection, row: DeliveryRow) -> bool:
    """Add a row; False when it is there."""
    result = await connection.execute(insert_or_ignore(deliveries, **row.values()))
    return bool(result.rowcount == 1)


def _job(notice: Notice, row: DeliveryRow, schedule: DeliverySchedule) -> NewJob:
    """``owner`` is the target: one that does not answer holds up no other.

    What still waits to be told when its document is deleted is told: it is not about the document.
    """
    about = notice.document_id or "task"
    return BY_CHANNEL[notice.channel].new(
        notice,
        subject=f"notice/{about}/{notice.notification_id}",
        owner=notice.target_key,
        max_attempts=schedule.max_attempts,
        delay_ms=row.due_at_ms - row.created_at_ms,
    )
