"""What an order would do: it is given, looked at, and taken back.

    prepare_order -> row of the narration, pages that wait for it -> read -> rolled back

The rows that an order waits with are written by the statements of the order itself, in a
transaction that ends with a rollback; no event is appended. So an estimate cannot say anything but
what the order then does, however these statements change; see docs/decisions/0052.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.narrations import NarrationRequested
from libs.common.store.effects import apply
from services.gateway.audio.selects import REQUESTED, engines
from services.gateway.audio.tables import audios
from services.gateway.documents.selects import has_pages
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.kernel.record import Kernel
from services.gateway.kernel.views import Failure
from services.gateway.narrations.budget.daily_characters import todays_use
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.ordering import PreparedOrder, prepare_order
from services.gateway.narrations.planning.quota import check_quota
from services.gateway.narrations.planning.waiting import look_again
from services.gateway.narrations.progress import NarrationFacts
from services.gateway.narrations.projection import FOLDS
from services.gateway.narrations.rows import DailyBudget, SpeakingRate
from services.gateway.narrations.selects import narration_row
from services.gateway.narrations.tables import UNCUT, page_requests


@dataclass(frozen=True, kw_only=True)
class EstimatedOrder:
    """An order as it would be; ``waiting`` says how many of its pages wait in which state.

    ``costly`` of these pages have ``characters`` that no other order has asked for.
    """

    order: PreparedOrder
    facts: NarrationFacts
    waiting: Mapping[str, int]
    costly: int
    characters: int
    before: DailyBudget
    refusal: Failure | None
    pace: SpeakingRate
    engines: tuple[str, ...]

    @property
    def fits_today(self) -> bool:
        """Whether all that is known of it has room today, as dispatching decides it."""
        left = self.before.left
        alone = self.costly == 1 and self.before.has_room_for(self.characters)
        return alone or left is None or self.characters <= left

    @property
    def pages_uncut(self) -> int:
        """Pages that are known, and of which is not known yet how much is to be spoken."""
        return self.waiting.get(UNCUT, 0)


class _TakenBack(Exception):
    """The order is looked at, and must not stay."""


async def estimate_order(
    kernel: Kernel, caller: UUID, document_id: UUID, options: NarrationOptions
) -> EstimatedOrder:
    """Return what an order would do, and do none of it.

    Raises:
        NotFound: No such document, for this caller.
        Rejected: No such page, voice or engine.
        Unavailable: No engine has announced itself yet.
    """
    async with _taken_back(kernel) as connection:
        order = await prepare_order(connection, caller, document_id, options)
        before = await todays_use(connection, kernel.limits, order.document.owner_id)
        refusal = await _refusal(kernel, connection, order)
        narration_id = await _given(connection, order)
        narration = await narration_row(connection, narration_id)
        (facts,) = await narration_facts(connection, order.document, [narration])
        after = await todays_use(connection, kernel.limits, order.document.owner_id)
        waiting, costly = await _waiting(connection, narration_id)
        found = EstimatedOrder(
            order=order,
            facts=facts,
            waiting=waiting,
            costly=costly,
            characters=after.spent - before.spent,
            before=before,
            refusal=refusal,
            pace=await _pace(connection, order),
            engines=tuple(row.engine for row in await engines(connection)),
        )
    return found


@asynccontextmanager
async def _taken_back(kernel: Kernel) -> AsyncIterator[AsyncConnection]:
    """Lend a transaction of which nothing stays."""
    with suppress(_TakenBack):
        async with kernel.transaction() as command:
            yield command.connection
            raise _TakenBack


async def _refusal(
    kernel: Kernel, connection: AsyncConnection, order: PreparedOrder
) -> Failure | None:
    """Why the order would be refused; one that is there already is not."""
    if order.same is not None:
        return None
    try:
        await check_quota(
            connection, kernel.limits, order.document, order.options.pages, order.spoken_as
        )
    except QuotaExceeded as error:
        return Failure(code=error.code, reason=str(error))
    return None


async def _given(connection: AsyncConnection, order: PreparedOrder) -> UUID:
    """Give the order, as far as it has rows, and return its narration."""
    if order.same is not None:
        return order.same.narration_id
    narration_id, document_id = uuid4(), order.document.document_id
    writes = FOLDS[NarrationRequested](order.requested(narration_id))
    await apply(connection, writes, None)
    if await has_pages(connection, document_id):
        await look_again(connection, document_id, narration_id=narration_id)
    return narration_id


async def _waiting(
    connection: AsyncConnection, narration_id: UUID
) -> tuple[Mapping[str, int], int]:
    """How many pages wait for it, by state, and how many of them cost anything."""
    is_costly = page_requests.c.cost > 0
    counted = (
        select(page_requests.c.state, is_costly, func.count())
        .where(page_requests.c.narration_id == str(narration_id))
        .group_by(page_requests.c.state, is_costly)
    )
    waiting: Counter[str] = Counter()
    costly = 0
    for state, costs, pages in await connection.execute(counted):
        waiting[state] += pages
        costly += pages if costs else 0
    return waiting, costly


async def _pace(connection: AsyncConnection, order: PreparedOrder) -> SpeakingRate:
    """How fast this voice speaks: as measured in the document, if it has been heard there."""
    engine, voice, rate = order.spoken_as
    heard = select(
        func.sum(audios.c.characters), func.sum(audios.c.duration_ms * audios.c.rate)
    ).where(
        audios.c.document_id == str(order.document.document_id),
        REQUESTED,
        audios.c.ready_at.is_not(None),
        audios.c.engine == engine,
        audios.c.voice == voice,
    )
    characters, normal_ms = (await connection.execute(heard)).one()
    return SpeakingRate.measured(characters, normal_ms, rate)
