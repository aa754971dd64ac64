"""Characters that engines were asked to speak, counted by owner and day.

A page's text counts once for each sound, when it is first asked for in it; whoever speaks it keeps
its sentences, so that other formats, and another try after a failure, are not spoken anew. That
follows from the events alone, so that what is counted can be worked out again (:func:`derive_all`).
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.upsert import Write
from libs.common.store.bodies.uuid_text import NO_UUID
from services.gateway.audio.tables import audios
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.rows import DailyBudget
from services.gateway.narrations.tables import (
    SPEAKABLE,
    daily_characters,
    narrations,
    page_requests,
)

DAY_CHARACTERS = 10
"""Of a moment as RFC 3339 has it, so many name its day."""

DOCUMENTS_AT_ONCE = 1000


def utc_now() -> datetime:
    """Return the moment, by which a day has begun or not."""
    return datetime.now(UTC)


async def todays_budget(
    connection: AsyncConnection, limits: GatewayLimits, owner_id: UUID
) -> DailyBudget:
    """Return what may still be asked for today; who spends it holds the owner's lock."""
    fresh = DailyBudget(now=utc_now(), most=limits.max_characters_per_owner_and_day)
    return await _with_count(connection, fresh, owner_id) if fresh.most else fresh


async def todays_use(
    connection: AsyncConnection, limits: GatewayLimits, owner_id: UUID
) -> DailyBudget:
    """Return what :func:`todays_budget` does, also where there is no limit.

    What waits for its turn is spent in it: what is left is what a new order may take today.
    """
    fresh = DailyBudget(now=utc_now(), most=limits.max_characters_per_owner_and_day)
    budget = await _with_count(connection, fresh, owner_id)
    waiting = await connection.scalar(_WAITING, {"owner": str(owner_id)})
    return budget.after(int(waiting or 0))


async def _with_count(
    connection: AsyncConnection, fresh: DailyBudget, owner_id: UUID
) -> DailyBudget:
    known = select(daily_characters.c.characters, daily_characters.c.counted_at).where(
        daily_characters.c.owner_id == str(owner_id), daily_characters.c.day == fresh.day
    )
    row = (await connection.execute(known)).first()
    if row is None:
        return fresh
    return replace(fresh, counted=row.characters, counted_at=row.counted_at)


def _waiting() -> Select[Any]:
    """What the pages of an owner cost that wait for their turn; once for each sound of a page."""
    sound = (narrations.c.engine, narrations.c.voice, narrations.c.rate)
    costs = (
        select(page_requests.c.document_id, page_requests.c.page, *sound, page_requests.c.cost)
        .join(narrations, narrations.c.narration_id == page_requests.c.narration_id)
        .where(
            page_requests.c.owner_id == bindparam("owner"),
            page_requests.c.state == SPEAKABLE,
            page_requests.c.cost > 0,
        )
        .distinct()
        .subquery()
    )
    return select(func.sum(costs.c.cost))


_WAITING = _waiting()


def _adding(new: Insert) -> Insert:
    """Have rows added to those of the same owner and day."""
    later = daily_characters.c.counted_at < new.excluded.counted_at
    return new.on_conflict_do_update(
        index_elements=[daily_characters.c.owner_id, daily_characters.c.day],
        set_={
            "characters": daily_characters.c.characters + new.excluded.characters,
            "counted_at": case(
                (later, new.excluded.counted_at), else_=daily_characters.c.counted_at
            ),
        },
    )


_COUNT = _adding(insert(daily_characters))


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
    """Work out the whole table anew, some documents at a time: a statement may not take long."""
    await connection.execute(delete(daily_characters))
    behind = NO_UUID
    while True:
        some = (
            select(audios.c.document_id)
            .where(audios.c.document_id > behind)
            .distinct()
            .order_by(audios.c.document_id)
            .limit(DOCUMENTS_AT_ONCE)
        ).subquery()
        in_order = select(some.c.document_id).order_by(some.c.document_id.desc())
        last = await connection.scalar(in_order.limit(1))
        if last is None:
            return
        between = and_(audios.c.document_id > behind, audios.c.document_id <= last)
        await connection.execute(_count_anew(between))
        behind = last


def _count_anew(which: ColumnElement[bool]) -> Insert:
    """Return the statement that adds what counts of documents: each sound of a text once."""
    before = audios.alias()
    same = ("document_id", "page", "revision", "engine", "voice", "rate")
    place = tuple_(before.c.requested_at, before.c.audio_id)
    is_later = exists().where(
        *(before.c[name] == audios.c[name] for name in same),
        place < tuple_(audios.c.requested_at, audios.c.audio_id),
    )
    day = func.substr(audios.c.requested_at, 1, DAY_CHARACTERS)
    characters, last = func.sum(audios.c.characters), func.max(audios.c.requested_at)
    counted = (
        select(audios.c.owner_id, day, characters, last)
        .where(which, audios.c.requested_at.is_not(None), audios.c.characters > 0, ~is_later)
        .group_by(audios.c.owner_id, day)
    )
    return _adding(insert(daily_characters).from_select([*daily_characters.c.keys()], counted))
