"""Which narrations wait because of the budget of their owner, since when and until when."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.arrays import among
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.budget.daily_characters import todays_budget
from services.gateway.narrations.rows import DailyBudget, NarrationRow
from services.gateway.narrations.tables import SPEAKABLE, page_requests
from services.gateway.narrations.views import NarrationWait

_COSTS = (page_requests.c.state == SPEAKABLE) & (page_requests.c.cost > 0)


async def budget_waits(
    connection: AsyncConnection, limits: GatewayLimits, chosen: Sequence[NarrationRow]
) -> dict[UUID, NarrationWait]:
    """Return what those of ``chosen`` wait for that wait for a budget; all are of one owner.

    One waits whose next page has no room today, and one with more pages than there is room for.
    Pages count that are cut: how long others are nobody knows.
    """
    being_made = [row for row in chosen if row.ended_at is None]
    if not being_made or not limits.max_characters_per_owner_and_day:
        return {}
    costs = await _costs(connection, being_made)
    if not costs:
        return {}
    owner_id = being_made[0].owner_id
    budget = await todays_budget(connection, limits, owner_id)
    used_up = await _has_no_room(connection, budget, owner_id)
    return {
        row.narration_id: _wait(row, budget, used_up=used_up)
        for row in being_made
        if (cost := costs.get(row.narration_id))
        and (used_up or budget.counted + cost > budget.most)
    }


async def is_used_up(connection: AsyncConnection, limits: GatewayLimits, owner_id: UUID) -> bool:
    """Return whether pages of an owner could be spoken and wait for another day."""
    budget = await todays_budget(connection, limits, owner_id)
    return await _has_no_room(connection, budget, owner_id)


async def _has_no_room(connection: AsyncConnection, budget: DailyBudget, owner_id: UUID) -> bool:
    """Whether the owner's next page that costs anything has no room."""
    if not budget.most or not budget.counted:
        return False
    first = (
        select(page_requests.c.cost)
        .where(page_requests.c.owner_id == str(owner_id), _COSTS)
        .order_by(page_requests.c.requested_at, page_requests.c.narration_id, page_requests.c.page)
        .limit(1)
    )
    cost = await connection.scalar(first)
    return cost is not None and not budget.has_room_for(cost)


async def _costs(connection: AsyncConnection, chosen: Sequence[NarrationRow]) -> dict[UUID, int]:
    """What the pages of narrations cost that could be spoken; those without any are left out."""
    ids = [str(row.narration_id) for row in chosen]
    summed = (
        select(page_requests.c.narration_id, func.sum(page_requests.c.cost))
        .where(among(page_requests.c.narration_id, ids), _COSTS)
        .group_by(page_requests.c.narration_id)
    )
    return {UUID(narration): int(cost) for narration, cost in await connection.execute(summed)}


def _wait(narration: NarrationRow, budget: DailyBudget, *, used_up: bool) -> NarrationWait:
    since = max(budget.counted_at or "", narration.requested_at) if used_up else None
    return NarrationWait(
        reason="characters_per_day", since=since, resumes_at=rfc3339(budget.resumes_at)
    )
