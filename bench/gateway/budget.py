"""What pages cost that wait for the budget of another day.

``python -m bench.gateway.budget [PAGES]``. Two owners have used up the budget of the day; for one
of them a hundred pages wait, for the other ``PAGES`` (default 20,000). They take turns: dispatching
for the owner, which every event of one of their documents leads to, and a look at a narration of
one page that waits behind all others. Then the days are counted anew, as a rebuild does, from as
many audios and from ten times as many. On SQLite and on PostgreSQL, the installed one; a figure is
the median of the rounds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from time import perf_counter
from uuid import UUID, uuid4

from sqlalchemy import text

from bench.command_line import numbers
from bench.gateway.orders import MIGRATIONS, NOW, OBJECT, VOICES, kernel_on
from bench.store.databases import on_each_kind
from libs.common.database.engine import Database
from libs.common.store.effects import apply
from libs.common.store.migrate import upgrade
from services.gateway.audio.tables import audios
from services.gateway.documents.tables import documents, pages
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.budget.daily_characters import (
    count_characters,
    derive_all,
    todays_budget,
)
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.dispatch import dispatch_next
from services.gateway.narrations.queries import NarrationQueries

FEW = 100
ROUNDS = 30
CHARACTERS = 1500
LIMIT = 2.0
AT_ONCE = 5000


async def waiting_owner(kernel: Kernel, count: int) -> tuple[UUID, UUID]:
    """Have ``count`` pages of a new owner wait, and one more behind them, whose narration is told.

    Returns owner and narration.
    """
    owner = uuid4()
    async with kernel.database.transaction() as connection:
        budget = await todays_budget(connection, kernel.limits, owner)
        await apply(connection, count_characters(owner, budget.after(budget.most)), None)
    narration = uuid4()
    for length in (count, 1):
        document_id = await cut_document(kernel.database, owner, length)
        narrate = NarrationCommands(kernel).narrate
        narration = await narrate(owner, document_id, NarrationOptions())
    return owner, narration


async def cut_document(database: Database, owner: UUID, count: int) -> UUID:
    """Write a document of ``count`` pages that can be spoken, and return its id."""
    about = {"document_id": str(uuid4())}
    known = {"owner_id": str(owner), "source_kind": "file", "submitted_at": NOW, "parsed_at": NOW}
    stored = OBJECT.model_dump(mode="json")
    page = about | {
        "extracted": stored,
        "extracted_characters": CHARACTERS,
        "segments": stored,
        "segments_revision": 0,
        "segments_characters": CHARACTERS,
        "utterances": 3,
    }
    numbered = [page | {"page": number} for number in range(1, count + 1)]
    async with database.transaction() as connection:
        await connection.execute(documents.insert(), [about | known | {"page_count": count}])
        await connection.execute(pages.insert(), numbered)
    return UUID(about["document_id"])


async def dispatch(kernel: Kernel, owner: UUID) -> None:
    """Look for what may go of an owner, which is nothing."""
    async with kernel.transaction() as command:
        await command.apply(await dispatch_next(kernel, command.connection, owner))
    if command.appended:
        raise RuntimeError("a page went though its owner has used up the day")


async def look(kernel: Kernel, owner: UUID, narration: UUID) -> None:
    """See that a narration waits."""
    view = await NarrationQueries(kernel.database, kernel.limits).narration(owner, narration)
    if view.wait is None:
        raise RuntimeError("the narration waits for nothing")


async def take_turns(steps: Sequence[Callable[[], Awaitable[None]]]) -> list[float]:
    """Return the milliseconds that each step took, the median of the rounds."""
    spent: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, times in zip(steps, spent, strict=True):
            began = perf_counter()
            await step()
            times.append((perf_counter() - began) * 1000)
    return [median(times) for times in spent]


async def count_anew(database: Database, count: int) -> float:
    """Add ``count`` audios of a thousand owners, and return the seconds of counting all anew."""
    audio = {"revision": 0, "characters": CHARACTERS, "engine": "e", "voice": "v", "rate": 1.0}
    document_ids = [str(uuid4()) for _ in range(count // 100 + 1)]
    rows = [
        audio
        | {
            "audio_id": str(uuid4()),
            "document_id": document_ids[number // 100],
            "page": number % 100,
            "owner_id": str(UUID(int=number % 1000)),
            "requested_at": NOW,
        }
        for number in range(count)
    ]
    for first in range(0, count, AT_ONCE):
        async with database.transaction() as connection:
            await connection.execute(audios.insert(), rows[first : first + AT_ONCE])
    async with database.transaction() as connection:
        began = perf_counter()
        await derive_all(connection)
        return perf_counter() - began


async def compare(url: str, name: str, many: int) -> None:
    """Print what was measured on one database."""
    kernel = kernel_on(Database(url))
    await upgrade(kernel.database, MIGRATIONS)
    async with kernel.database.transaction() as connection:
        await apply(connection, kernel.project(VOICES), None)
    few, lots = [await waiting_owner(kernel, count) for count in (FEW, many)]
    if not kernel.database.sqlite:
        async with kernel.database.transaction() as connection:
            await connection.execute(text("ANALYZE"))
    for what, steps in (
        ("dispatch", [lambda: dispatch(kernel, few[0]), lambda: dispatch(kernel, lots[0])]),
        ("look", [lambda: look(kernel, *few), lambda: look(kernel, *lots)]),
    ):
        short, long = await take_turns(steps)
        missed = "" if long <= LIMIT * short else "  NOT MET"
        print(
            f"{name:10} {what:8} {short:6.2f} ms behind {FEW} pages, {long:6.2f} ms behind"
            f" {many:,}: {long / short:.2f} x, at most {LIMIT:g}{missed}",
            flush=True,
        )
    first, all_s = (
        await count_anew(kernel.database, many),
        await count_anew(kernel.database, 9 * many),
    )
    print(
        f"{name:10} counting anew {first:.2f} s for {many:,} audios, {all_s:.2f} s for"
        f" {10 * many:,}: {all_s / first:.1f} x",
        flush=True,
    )
    await kernel.database.close()


def main() -> None:
    """Measure on a file, then on a PostgreSQL that is started for it."""
    (many,) = numbers(__doc__, pages=20_000)
    on_each_kind(lambda kind, url: asyncio.run(compare(url, kind, many)), "gateway")


if __name__ == "__main__":
    main()
