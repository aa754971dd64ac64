"""What it costs to list one's documents when others have many.

``python -m bench.gateway.listing [PAGES]``. The listing of an owner of 50 documents is timed when
there is nothing else and, in turn, beside ``PAGES`` pages of others (default 10,000,000), on SQLite
and on the installed PostgreSQL.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import UUID, uuid4

from sqlalchemy import insert, text

from bench.command_line import numbers
from bench.store.databases import on_each_kind
from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from services.gateway import app
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.tables import documents, pages

PAGES_EACH = 100
MINE = 50
ROUNDS = 50
LIMIT = 2.0
AT_ONCE = 500_000
MOMENT = "2026-01-01T00:00:00Z"
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
_PADDED = {"sqlite": "printf('%036d', {n})", "postgresql": "lpad(cast({n} AS text), 32, '0')::uuid"}


@dataclass(frozen=True)
class OwnersListing:
    """A database in which one owner has documents."""

    database: Database
    owner: UUID

    async def seconds(self) -> float:
        """List the owner's documents."""
        began = perf_counter()
        found = await DocumentQueries(self.database).documents(self.owner, MINE, None)
        spent = perf_counter() - began
        if [view.pages_ready for view in found.items] != [PAGES_EACH] * MINE:
            raise RuntimeError("the listing is wrong")
        return spent


async def measure(urls: Sequence[str], others: int) -> float:
    """Print a line for one kind of database, and return the ratio; both are timed in turn."""
    alone, beside = [await _listing(url) for url in urls]
    await _add_others(beside.database, others)
    times: dict[OwnersListing, list[float]] = {alone: [], beside: []}
    for listing in (alone, beside):
        await _analyze(listing.database)
    for _ in range(ROUNDS):
        for listing, spent in times.items():
            spent.append(await listing.seconds())
    empty, full = (median(spent) for spent in times.values())
    for listing in times:
        await listing.database.close()
    missed = "" if full <= LIMIT * empty else "  NOT MET"
    backend = alone.database.url.get_backend_name()
    print(
        f"{backend:10} {empty * 1000:6.2f} ms alone, {full * 1000:6.2f} ms"
        f" beside {others:,} pages: {full / empty:.2f} x, at most {LIMIT:g}{missed}",
        flush=True,
    )
    return full / empty


async def _listing(url: str) -> OwnersListing:
    database, owner = Database(url, pool_size=2), uuid4()
    await upgrade(database, Path(app.__file__).with_name("migrations"))
    mine = [str(uuid4()) for _ in range(MINE)]
    rows = [{"document_id": one, "owner_id": str(owner), "source_kind": "text"} for one in mine]
    numbers = [
        {"document_id": one, "page": page, "extracted_characters": 1}
        for one in mine
        for page in range(1, PAGES_EACH + 1)
    ]
    async with database.transaction() as connection:
        await connection.execute(insert(documents).values(submitted_at=MOMENT), rows)
        await connection.execute(insert(pages), numbers)
    return OwnersListing(database, owner)


async def _analyze(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("ANALYZE"))


async def _add_others(database: Database, count: int) -> None:
    backend = database.url.get_backend_name()
    padded, of_owner = (_PADDED[backend].format(n=n) for n in (f"i / {PAGES_EACH}", "i % 1000"))
    insert_pages = (
        f"INSERT INTO pages (document_id, page, extracted_characters) {_NUMBERS}"
        f" SELECT {padded}, i % {PAGES_EACH}, 1 FROM n"
    )
    insert_documents = (
        f"INSERT INTO documents (document_id, owner_id, source_kind, submitted_at) {_NUMBERS}"
        f" SELECT {_PADDED[backend].format(n='i')}, {of_owner}, 'text', '{MOMENT}' FROM n"
    )
    for statement, rows in ((insert_pages, count), (insert_documents, count // PAGES_EACH + 1)):
        for first in range(1, rows, AT_ONCE):
            last = min(first + AT_ONCE - 1, rows)
            async with database.transaction() as connection:
                await connection.execute(text(statement.format(first=first, last=last)))
    await database.empty_log()  # nobody writes so much at a time, and reads past it


def main() -> int:
    """Measure both; 1 if a limit is not met."""
    (others,) = numbers(__doc__, pages=10_000_000)
    ratios = on_each_kind(lambda _, *urls: asyncio.run(measure(urls, others)), "alone", "beside")
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
