"""What becomes of a delivery: ``waiting`` -> ``sending`` -> ``sent`` or ``failed``.

Delivery is at-least-once. No record can make the network exactly-once: whoever dies between the
receiver's "250 OK" and the commit cannot know. So a notice is sent again under the same id, and the
receiver may recognize it. ``sending`` is written before every attempt, so that the row tells the
truth about attempts if the process is killed, and it is not consulted when deciding to send. It has
one use besides: it closes a batch, so that the text of a mail is the same at every attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.errors import LecternError
from libs.common.store.effects import Effect, Step
from libs.common.store.tables import now_ms
from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.notices import Notice
from services.notifier.tables import deliveries


@dataclass
class Attempt:
    """A step that records the beginning of an attempt, and notes what goes out in it.

    ``going_out`` are the rows of all notices of the mail or webhook.
    """

    notice: Notice
    number: int
    going_out: Sequence[DeliveryRow] = ()

    async def __call__(self, connection: AsyncConnection) -> Sequence[Effect]:
        """Close the batch and read it."""
        await connection.execute(
            update(deliveries)
            .where(deliveries.c.notification_id == str(self.notice.notification_id))
            .values(status="sending", attempts=self.number, attempted_at_ms=now_ms())
        )
        rows = await connection.execute(select(deliveries).where(_goes_out_with(self.notice)))
        self.going_out = [DeliveryRow.of(row) for row in rows.mappings()]
        return []


def put_back(notice: Notice, error: LecternError) -> Effect:
    """Record that an attempt failed, and another one will come."""
    return (
        update(deliveries)
        .where(_goes_out_with(notice))
        .values(status="waiting", last_error=str(error))
    )


def refused(notice: Notice, error: LecternError) -> Effect:
    """Record why an attempt failed after which there will be no other one."""
    return update(deliveries).where(_goes_out_with(notice)).values(last_error=str(error))


def sent(notice: Notice) -> Step:
    """Record that a notice, and all that went out with it, were delivered."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        rows = await _settle(connection, notice, status="sent", last_error=None)
        return [
            NotificationSent(
                notification_id=row.notification_id,
                document_id=row.document_id,
                owner_id=row.owner_id,
                about_event=row.event_id,
                about_type=row.type,
                channel=row.channel,
            )
            for row in rows
        ]

    return step


def failed(notice: Notice, code: str) -> Step:
    """Record that a notice, and all that would have gone out with it, were given up."""

    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        known = func.coalesce(deliveries.c.last_error, code)
        rows = await _settle(connection, notice, status="failed", last_error=known)
        return [
            NotificationFailed(
                notification_id=row.notification_id,
                document_id=row.document_id,
                owner_id=row.owner_id,
                about_event=row.event_id,
                about_type=row.type,
                channel=row.channel,
                code=code,
            )
            for row in rows
        ]

    return step


async def _settle(connection: AsyncConnection, notice: Notice, **values: Any) -> list[DeliveryRow]:
    """Set ``values`` on all notices of one delivery, and return their rows."""
    rows = await connection.execute(
        update(deliveries)
        .where(_goes_out_with(notice))
        .values(finished_at_ms=now_ms(), **values)
        .returning(*deliveries.c)
    )
    return [DeliveryRow.of(row) for row in rows.mappings()]


def _goes_out_with(notice: Notice) -> ColumnElement[bool]:
    leader = str(notice.notification_id)
    return or_(deliveries.c.notification_id == leader, deliveries.c.told_by == leader)
