"""The record of deliveries: ``waiting`` -> ``sending`` -> ``sent`` or ``failed``; or ``expired``.

Delivery is at-least-once. No record can make the network exactly-once: whoever dies between the
receiver's "250 OK" and the commit cannot know. So a notice is sent again under the same id, and the
receiver may recognize it. ``sending`` is written before every attempt, so that the row tells the
truth about attempts if the process is killed, and it is not consulted when deciding to send. It has
one job besides: it closes a batch, so that the text of a mail is the same at every attempt.

Batches: notices of the same kind to the same mailbox (``batch``) that arrive while a mail about
them is still waiting go out in that mail. The next mail of the batch comes no sooner than
``Pace.batch_interval_ms`` after. Three hundred failing pages are one or two mails, and all of them
are told.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.effects import Effect, Step
from libs.common.errors import LecternError
from libs.common.events import NotificationFailed, NotificationSent
from libs.common.jobs import NewJob
from libs.common.tables import now_ms
from libs.common.upsert import insert_or_ignore
from services.notifier.notices import Notice
from services.notifier.tables import deliveries

WAITING, SENDING, SENT, FAILED, EXPIRED = "waiting", "sending", "sent", "failed", "expired"


@dataclass(frozen=True)
class Pace:
    """How often a target is tried, and how mails are collected (milliseconds)."""

    max_attempts: int = 12
    batch_wait_ms: int = 60_000
    batch_interval_ms: int = 3_600_000


def single_notice(notice: Notice, shown: str, pace: Pace) -> Step:
    """Record a notice that goes out by itself; nothing if it is recorded."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        now = await _now_ms(connection)
        new = await _insert(connection, notice, shown, status=WAITING, due_at_ms=now)
        return [_job(notice, pace, 0)] if new else []

    return step


def expired_notice(notice: Notice, shown: str) -> Step:
    """Record a notice that comes too late to be sent."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        now = await _now_ms(connection)
        await _insert(connection, notice, shown, status=EXPIRED, due_at_ms=now, finished_at_ms=now)
        return []

    return step


def batched_notice(notice: Notice, shown: str, pace: Pace, sameness: str) -> Step:
    """Record a notice that goes out with others like it; nothing if it is recorded."""
    batch = hashlib.sha256(
        "\n".join((notice.target_key, notice.about_type, sameness)).encode()
    ).hexdigest()

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        now = await _now_ms(connection)
        last = await connection.scalar(
            select(func.max(deliveries.c.due_at_ms)).where(
                deliveries.c.batch == batch, deliveries.c.told_by.is_(None)
            )
        )
        leader = await _open_leader(connection, batch)
        due = now + pace.batch_wait_ms
        if last is not None:
            due = last if leader else max(due, last + pace.batch_interval_ms)
        new = await _insert(
            connection,
            notice,
            shown,
            status=WAITING,
            due_at_ms=due,
            batch=batch,
            told_by=leader,
        )
        return [_job(notice, pace, due - now)] if new and leader is None else []

    return step


async def _open_leader(connection: AsyncConnection, batch: str) -> str | None:
    """Return the notice whose mail others may still join, locked: Attempt closes it."""
    leader: str | None = await connection.scalar(
        select(deliveries.c.notification_id)
        .where(
            deliveries.c.batch == batch,
            deliveries.c.told_by.is_(None),
            deliveries.c.status == WAITING,
            deliveries.c.attempts == 0,
        )
        .limit(1)
        .with_for_update()
    )
    return leader


@dataclass
class Attempt:
    """A step that records the beginning of an attempt, and notes what the mail has to tell.

    ``pages`` are those of all notices that go out in it, ``notices`` is their number.
    """

    notice: Notice
    number: int
    pages: list[int] = field(default_factory=list)
    notices: int = 0

    async def __call__(self, connection: AsyncConnection) -> Sequence[Effect]:
        """Close the batch and read it."""
        await connection.execute(
            update(deliveries)
            .where(deliveries.c.notification_id == str(self.notice.notification_id))
            .values(status=SENDING, attempts=self.number, attempted_at_ms=now_ms())
        )
        rows = await connection.execute(
            select(deliveries.c.page).where(_goes_out_with(self.notice)).order_by(deliveries.c.page)
        )
        found = [row.page for row in rows]
        self.notices = len(found)
        self.pages = sorted({page for page in found if page is not None})
        return []


def put_back(notice: Notice, error: LecternError) -> Effect:
    """Record that an attempt failed, and another one will come."""
    return (
        update(deliveries)
        .where(deliveries.c.notification_id == str(notice.notification_id))
        .values(status=WAITING, last_error=str(error))
    )


def sent(notice: Notice) -> Step:
    """Record that a notice, and all that went out with it, were delivered."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        rows = await _settle(connection, notice, status=SENT, last_error=None)
        return [
            NotificationSent(
                notification_id=told,
                document_id=notice.document_id,
                about=about,
                about_type=notice.about_type,
                channel=notice.channel,
            )
            for told, about in rows
        ]

    return step


def failed(notice: Notice, error: LecternError) -> Step:
    """Record that a notice, and all that would have gone out with it, were given up."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        rows = await _settle(connection, notice, status=FAILED, last_error=str(error))
        return [
            NotificationFailed(
                notification_id=told,
                document_id=notice.document_id,
                about=about,
                about_type=notice.about_type,
                channel=notice.channel,
                code=error.code,
                reason=str(error),
            )
            for told, about in rows
        ]

    return step


async def _settle(
    connection: AsyncConnection, notice: Notice, **values: Any
) -> list[tuple[UUID, UUID]]:
    """Set ``values`` on all notices of one delivery; return their ids and their events' ids."""
    rows = await connection.execute(
        update(deliveries)
        .where(_goes_out_with(notice))
        .values(finished_at_ms=now_ms(), **values)
        .returning(deliveries.c.notification_id, deliveries.c.event_id)
    )
    return [(UUID(told), UUID(about)) for told, about in rows]


def _goes_out_with(notice: Notice) -> Any:
    leader = str(notice.notification_id)
    return or_(deliveries.c.notification_id == leader, deliveries.c.told_by == leader)


async def _now_ms(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(now_ms()))).scalar_one())


async def _insert(connection: AsyncConnection, notice: Notice, shown: str, **values: Any) -> bool:
    """Add the notice's row; False when it is there."""
    document = notice.document_id
    result = await connection.execute(
        insert_or_ignore(
            deliveries,
            notification_id=str(notice.notification_id),
            event_id=str(notice.about),
            type=notice.about_type,
            document_id=None if document is None else str(document),
            page=notice.page,
            channel=notice.channel,
            target=shown[:255],
            attempts=0,
            created_at_ms=now_ms(),
            **values,
        )
    )
    return bool(result.rowcount == 1)


def _job(notice: Notice, pace: Pace, delay_ms: int) -> NewJob:
    """``owner`` is the target: one that does not answer holds up no other."""
    about = notice.document_id or "task"
    return NewJob(
        notice.channel,
        notice,
        subject=f"{about}/{notice.notification_id}",
        owner=notice.target_key,
        max_attempts=pace.max_attempts,
        delay_ms=delay_ms,
    )
