"""Characters that engines were asked to speak, counted by owner and day.

A page's text counts once for each sound, when it is first asked for in it; whoever speaks it keeps
its sentences, so that other formats, and another try after a failure, are not spoken anew. That
follows from the events alone, so that what is counted can be worked out again (:func:`derive_all`).
"""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.upsert import Write
from services.gateway.audio.tables import audios
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.rows import DailyBudget
from services.gateway.narrations.tables import daily_characters

DAY_CHARACTERS = 10
"""Of a moment as RFC 3339 has it, so many name its day."""


def utc_now() -> datetime:
    """Return the moment, by which a day has begun or not."""
    return datetime.now(UTC)


async def todays_budget(
    connection: AsyncConnection, limits: GatewayLimits, owner_id: UUID
) -> DailyBudget:
    """Return what may still be asked for today; who spends it holds the owner's lock."""
    most = limits.max_characters_per_owner_and_day
    fresh = DailyBudget(now=utc_now(), most=most)
    if not most:
        return fresh
    known = select(daily_characters.c.characters, daily_characters.c.counted_at).where(
        daily_characters.c.owner_id == str(owner_id), daily_characters.c.day == fresh.day
    )
    row = (await connection.execute(known)).first()
    if row is None:
        return fresh
    return replace(fresh, counted=row.characters, counted_at=row.counted_at)


def _count_statement() -> Insert:
    new = insert_or(daily_characters)
    return new.on_conflict_do_update(
        index_elements=[daily_characters.c.owner_id, daily_characters.c.day],
        set_={
            "characters": daily_characters.c.characters + new.excluded.characters,
            "counted_at": new.excluded.counted_at,
        },
    )


_COUNT = _count_statement()


def count_characters(owner_id: UUID, budget: DailyBudget) -> list[Write]:
    """Return the effects of counting what of ``budget`` was spent since it was read."""
    if not budget.spent:
        return []
    row = {
        "owner_id": str(owner_id),
        "day": budget.day,
        "characters": budget.spent,
        "counted_at": rfc3339(budget.now),
    }
    return [Write(_COUNT, row)]


async def derive_all(connection: AsyncConnection) -> None:
    """Work out the whole table anew."""
    await connection.execute(delete(daily_characters))
    sound = ("document_id", "page", "revision", "engine", "voice", "rate")
    in_order = func.row_number().over(
        partition_by=[audios.c[name] for name in sound],
        order_by=[audios.c.requested_at, audios.c.audio_id],
    )
    asked = (
        select(
            audios.c.owner_id,
            func.substr(audios.c.requested_at, 1, DAY_CHARACTERS).label("day"),
            audios.c.characters,
            audios.c.requested_at,
            in_order.label("number"),
        )
        .where(audios.c.requested_at.is_not(None))
        .subquery()
    )
    counted = (
        select(
            asked.c.owner_id,
            asked.c.day,
            func.sum(asked.c.characters),
            func.max(asked.c.requested_at),
        )
        .where(asked.c.number == 1, asked.c.characters > 0)
        .group_by(asked.c.owner_id, asked.c.day)
    )
    names = [column.name for column in daily_characters.c]
    await connection.execute(insert(daily_characters).from_select(names, counted))
