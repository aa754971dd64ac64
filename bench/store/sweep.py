"""What looking for lost events costs: ``python -m bench.store.sweep [--events 1000000]``.

A store on SQLite has so many events, all of them handled. The first look reads them all; those that
follow, and the first one after a start, read what is new.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from sqlalchemy import insert

from bench.command_line import described
from lectern.recovery import Sweeper
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.identifiers import uuid7
from libs.common.database.engine import Database
from libs.common.store.tables import core, events, inbox

TOPIC = DocumentDeleted.topic
AT_ONCE = 10_000
ROUNDS = 9
SIZES = (1, 10, 100)


async def fill(producer: Database, consumer: Database, count: int) -> None:
    """Store events that were sent and handled."""
    for database in (producer, consumer):
        async with database.transaction() as connection:
            await connection.run_sync(core.create_all)
    for _ in range(0, count, AT_ONCE):
        ids = [str(uuid7()) for _ in range(min(AT_ONCE, count))]
        await _insert(producer, events, [_event(event_id) for event_id in ids])
        handled = {"consumer": "ingest", "received_at_ms": 1}
        await _insert(consumer, inbox, [handled | {"event_id": event_id} for event_id in ids])


def _event(event_id: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "stream": f"document/{event_id}",
        "version": 1,
        "topic": TOPIC,
        "key": event_id,
        "body": b"{}",
        "occurred_at": "2026-11-27T00:00:00.000000Z",
    }


async def _insert(database: Database, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(table), rows)


async def measure(count: int) -> dict[str, float]:
    """Return the seconds of CPU of each kind of look at a store of ``count`` events."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("gateway", "ingest")
        databases = {
            name: Database(f"sqlite+aiosqlite:///{Path(folder) / name}.db") for name in names
        }
        await fill(databases["gateway"], databases["ingest"], count)
        consumed = {"ingest": [TOPIC]}
        sweeper = Sweeper(databases, consumed)
        first_s = await _seconds(sweeper)
        later_s = median([await _seconds(sweeper) for _ in range(ROUNDS)])
        start_s = median([await _seconds(Sweeper(databases, consumed)) for _ in range(ROUNDS)])
        for database in databases.values():
            await database.close()
    return {"first": first_s, "later": later_s, "after a start": start_s}


async def _seconds(sweeper: Sweeper) -> float:
    started = process_time()
    if await sweeper.sweep():
        raise AssertionError("nothing is lost")
    return process_time() - started


def main() -> None:
    """Print a line for each size of the store."""
    parser = described(__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the largest store")
    largest = parser.parse_args().events
    for count in (largest // part for part in reversed(SIZES)):
        found = asyncio.run(measure(count))
        figures = ", ".join(f"{name} {took * 1000:,.1f} ms" for name, took in found.items())
        print(f"{count:>9,} events: {figures}", flush=True)


if __name__ == "__main__":
    main()
