"""What it costs to list one's documents when others have many: ``python -m bench.listing [PAGES]``.

The listing of an owner of 50 documents is timed when there is nothing else, and again beside
``PAGES`` pages of others (default 10,000,000), on SQLite and on the installed PostgreSQL.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

from sqlalchemy import insert, text

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from libs.common.testing.servers import NativePostgres
from services.gateway import app
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.tables import documents, pages

PAGES_EACH = 100
MINE = 50
ROUNDS = 50
LIMIT = 2.0
MOMENT = "2026-01-01T00:00:00Z"
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
_PADDED = {"sqlite": "printf('%036d', {n})", "postgresql": "lpad(cast({n} AS text), 36, '0')"}


async def measure(url: str, others: int) -> float:
    """Print a line for one database, and return the ratio."""
    database = Database(url, pool_size=2)
    await upgrade(database, Path(app.__file__).with_name("migrations"))
    owner = uuid4()
    async with database.transaction() as connection:
        mine = [str(uuid4()) for _ in range(MINE)]
        rows = [{"document_id": one, "owner_id": str(owner), "source_kind": "text"} for one in mine]
        await connection.execute(insert(documents).values(submitted_at=MOMENT), rows)
        numbers = [
            {"document_id": one, "page": page, "extracted_characters": 1}
            for one in mine
            for page in range(1, PAGES_EACH + 1)
        ]
        await connection.execute(insert(pages), numbers)
    queries = DocumentQueries(database)

    async def listed() -> float:
        times = []
        for _ in range(ROUNDS):
            began = perf_counter()
            found = await queries.documents(owner, MINE, None)
            times.append(perf_counter() - began)
            if any(view.pages_ready != PAGES_EACH for view in found.items):
                raise RuntimeError("the listing is wrong")
        return median(times)

    await _analyze(database)
    empty = await listed()
    await _add_others(database, others)
    await _analyze(database)
    full = await listed()
    await database.close()
    missed = "" if full <= LIMIT * empty else "  NOT MET"
    print(
        f"{database.url.get_backend_name():10} {empty * 1000:6.2f} ms alone, {full * 1000:6.2f} ms"
        f" beside {others:,} pages: {full / empty:.2f} x, at most {LIMIT:g}{missed}",
        flush=True,
    )
    return full / empty


async def _analyze(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("ANALYZE"))


async def _add_others(database: Database, count: int) -> None:
    backend = database.url.get_backend_name()
    padded = _PADDED[backend].format(n=f"i / {PAGES_EACH}")
    documents_of_others = count // PAGES_EACH + 1
    statements = [
        f"INSERT INTO pages (document_id, page, extracted_characters)"
        f" {_NUMBERS.format(count=count)} SELECT {padded}, i % {PAGES_EACH}, 1 FROM n",
        f"INSERT INTO documents (document_id, owner_id, source_kind, submitted_at)"
        f" {_NUMBERS.format(count=documents_of_others)}"
        f" SELECT {_PADDED[backend].format(n='i')}, {_PADDED[backend].format(n='i % 1000')},"
        f" 'text', '{MOMENT}' FROM n",
    ]
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def main() -> int:
    """Measure both; 1 if a limit is not met."""
    others = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    ratios = []
    with tempfile.TemporaryDirectory(prefix="lectern-listing-") as folder:
        ratios.append(asyncio.run(measure(f"sqlite+aiosqlite:///{folder}/gateway.db", others)))
    server = NativePostgres()
    try:
        ratios.append(asyncio.run(measure(server.start(), others)))
    finally:
        server.stop()
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
