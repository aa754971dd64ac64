"""Our SQLite dialect against SQLAlchemy's: ``python -m bench.store.sqlite [--rounds 9] [COUNT]``.

Both take turns. A figure is the median of the rounds: of CPU time first, because it does not depend
on who else uses the machine.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from uuid import uuid4

from sqlalchemy import event, literal, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.command_line import described
from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted
from libs.common.database import engine as engines
from libs.common.database.engine import Database
from libs.common.database.sqlite.sqlite_dialect import BUSY_TIMEOUT_S
from libs.common.database.sqlite.sqlite_engine import sqlite_engine
from libs.common.store.effects import apply
from libs.common.store.inbox import Arrival, first_deliveries
from libs.common.store.tables import core

Work = Callable[[Database], Awaitable[None]]


@dataclass(frozen=True)
class Spent:
    """What one piece of work took."""

    cpu_s: float
    wall_s: float


def stock_engine(url: str) -> AsyncEngine:
    """Return an engine as SQLAlchemy documents it for SQLite, with our pragmas and locks."""
    stock = make_url(url).set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(
        stock, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if not options.get("lectern_no_transaction"):
            reads = options.get("lectern_read_only")
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


async def _read(database: Database) -> None:
    await database.fetch(select(literal(1), literal(2), literal(3)))


async def _write(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE counted SET number = number + 1"))


async def _handle(database: Database) -> None:
    """What surrounds a handler: an inbox row, one event with its outbox row, the commit."""
    deleted = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    async with database.transaction() as connection:
        await first_deliveries(connection, "bench", [_arrival(deleted)])
        await apply(connection, [deleted], None)


def _arrival(event: Event | None = None) -> Arrival:
    return Arrival(str(event.event_id if event else uuid4()), "0/0/0", event)


async def _first_time(database: Database) -> None:
    async with database.transaction() as connection:
        await first_deliveries(connection, "bench", [_arrival() for _ in range(BATCH)])


async def _again(database: Database) -> None:
    """What sending history again costs a consumer that has handled it."""
    async with database.transaction() as connection:
        await first_deliveries(connection, "bench", HANDLED)


BATCH = 100
"""Records that are taken together at most."""
HANDLED = [_arrival() for _ in range(BATCH)]

WORK: dict[str, Work] = {
    "one statement that reads": _read,
    "a transaction of one statement": _write,
    "the transaction of an event": _handle,
    "an inbox of 100 new events": _first_time,
    "an inbox of 100 handled ones": _again,
}


async def _measured(database: Database, work: Work, count: int) -> Spent:
    await work(database)
    wall, cpu = perf_counter(), process_time()
    for _ in range(count):
        await work(database)
    return Spent((process_time() - cpu) / count, (perf_counter() - wall) / count)


async def _opened(path: Path, make: Callable[[str], AsyncEngine]) -> Database:
    module: Any = engines
    ours, module.sqlite_engine = module.sqlite_engine, make
    try:
        database = Database(f"sqlite+aiosqlite:///{path}")
    finally:
        module.sqlite_engine = ours
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
        await connection.execute(text("CREATE TABLE counted (number INTEGER)"))
        await connection.execute(text("INSERT INTO counted VALUES (0)"))
    return database


async def _compare(rounds: int, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours = await _opened(Path(folder) / "ours.db", sqlite_engine)
        stock = await _opened(Path(folder) / "stock.db", stock_engine)
        print(f"{'':32} {'stock CPU':>11} {'ours CPU':>11} {'stock':>10} {'ours':>10}")
        for name, work in WORK.items():
            spent: dict[Database, list[Spent]] = {stock: [], ours: []}
            for _ in range(rounds):
                for database, found in spent.items():
                    found.append(await _measured(database, work, count))
            cpus = [median(one.cpu_s for one in found) * 1e6 for found in spent.values()]
            rates = [1 / median(one.wall_s for one in found) for found in spent.values()]
            print(
                f"{name:32} {cpus[0]:8.0f} µs {cpus[1]:8.0f} µs {rates[0]:8.0f}/s {rates[1]:8.0f}/s"
            )
        await ours.close()
        await stock.close()


def main() -> None:
    """Print one line for each kind of work."""
    parser = described(__doc__)
    parser.add_argument("count", nargs="?", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    asyncio.run(_compare(asked.rounds, asked.count))


if __name__ == "__main__":
    main()
