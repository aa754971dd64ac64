"""Statements and bytes that a document costs: ``python -m bench.store.sizes [--documents 20]``.

All services run in this process, on PostgreSQL. Documents of one short page are read and spoken,
then a quarter as many of twenty pages, and what grew meanwhile is shared among them: tables with
their indexes, after a vacuum, and the records as Kafka would store them one at a time, compressed.
Of each kind more are read before, so that queues are as large as they become; their rows go,
and those of the next documents take their place. A table grows by 8 kB, so few documents tell
little about small tables.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka.producer.message_accumulator import BatchBuilder
from sqlalchemy import event, func, select, text

from bench.command_line import described
from lectern.service_catalog import SERVICES
from lectern.standalone import Options, Standalone, running
from libs.common.contracts.cloudevents import headers
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.database.arrays import among
from libs.common.database.engine import Database
from libs.common.store.rows import StoredEvent, select_stored
from libs.common.store.tables import events
from libs.common.testing.servers import NativePostgres
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.uploads import Source, Submission
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions

SHORT = "The page of document {number} has ninety letters, which is about as much as this sentence."
SENTENCES = 12
LOOK_EVERY_S = 0.2
PATIENCE_S = 1200.0
LZ4 = 3  # as record batches number their codecs
SIZES = text(
    "SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(kw_only=True)
class DocumentCost:
    """Bytes by service and table, those of indexes apart, and statements by service."""

    tables: Counter[str] = field(default_factory=Counter)
    indexes: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    records: int = 0
    events: int = 0

    def since(self, before: "DocumentCost") -> "DocumentCost":
        """Return what was spent since ``before``."""
        return DocumentCost(
            tables=self.tables - before.tables,
            indexes=self.indexes - before.indexes,
            records=self.records - before.records,
            statements=self.statements - before.statements,
            events=self.events - before.events,
        )


class Documents:
    """Reads documents with all services, and measures what they leave."""

    def __init__(self, lectern: Standalone) -> None:
        self.kernel = lectern.gateway.kernel
        self.databases: Mapping[str, Database] = {
            name: service.parts.database for name, service in lectern.services.items()
        }
        self.statements: Counter[str] = Counter()
        for name, database in self.databases.items():
            counting = partial(self._count, name)
            event.listen(database.engine.sync_engine, "before_cursor_execute", counting)

    def _count(self, name: str, *_: Any) -> None:
        self.statements[name] += 1

    async def read(self, contents: list[bytes]) -> DocumentCost:
        """Hand documents in, wait until all are spoken, and return what they left."""
        before, told = await self.spent(), await self._told()
        for content in contents:
            await self._narrate(content)
        await self._until_told(told + len(contents))
        return (await self.spent()).since(before)

    async def _narrate(self, content: bytes) -> None:
        async def parts() -> AsyncGenerator[bytes, None]:
            yield content

        upload = await DocumentCommands(self.kernel).receive(parts())
        submission = Submission(
            document_id=upload.document_id,
            owner_id=uuid4(),
            source=Source(kind="file", object=upload.stored, filename="a.md"),
        )
        await NarrationCommands(self.kernel).submit_and_narrate(submission, NarrationOptions())

    async def _until_told(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self._told() < count:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _told(self) -> int:
        topics = [NarrationCompleted.topic, NarrationFailed.topic]
        told = select(func.count()).select_from(events).where(among(events.c.topic, topics))
        return int((await self.kernel.database.fetch(told))[0][0])

    async def spent(self) -> DocumentCost:
        """Return what is stored now."""
        await asyncio.sleep(2.0)  # until the last events have arrived
        found = DocumentCost(statements=self.statements.copy())
        for name, database in self.databases.items():
            async with database.querying() as connection:
                await connection.execute(text("VACUUM ANALYZE"))
                for table, total, of_indexes in await connection.execute(SIZES):
                    found.tables[f"{name}.{table}"] = total - of_indexes
                    found.indexes[f"{name}.{table}"] = of_indexes
                rows = await connection.execute(select_stored())
                stored = [StoredEvent._make(row) for row in rows]
            found.records += sum(record_bytes(name, row) for row in stored)
            found.events += len(stored)
        return found


def record_bytes(service: str, row: StoredEvent) -> int:
    """Return how many bytes Kafka stores for an event that is sent alone."""
    batch = BatchBuilder(1 << 20, LZ4)
    sent = headers(
        event_id=row.event_id,
        topic=row.topic,
        source=f"/lectern/{service}",
        occurred_at=row.occurred_at,
        key=row.key,
        stream=row.stream,
        version=row.version,
        traceparent=row.traceparent,
    )
    batch.append(timestamp=None, key=row.key.encode(), value=row.body, headers=sent)
    return len(batch._build())


def book(pages: int) -> bytes:
    """Return Markdown with a page for each chapter."""
    chapters = [
        f"# Chapter {page}\n\n"
        + " ".join(f"Sentence {n} of page {page} in {uuid4().hex}." for n in range(SENTENCES))
        for page in range(1, pages + 1)
    ]
    return "\n\n".join(chapters).encode()


@asynccontextmanager
async def on_postgres() -> AsyncIterator[Standalone]:
    """Run all services on a server of their own."""
    postgres = NativePostgres()
    postgres.start()
    try:
        for spec in SERVICES:
            postgres.create_database(spec.name)
        settings = {spec.name: {"database_url": postgres.url(spec.name)} for spec in SERVICES}
        with tempfile.TemporaryDirectory() as folder:
            async with running(Options(data=Path(folder), settings=settings)) as lectern:
                await lectern.until_ready()
                yield lectern
    finally:
        postgres.stop()


async def measure(documents: int) -> None:
    """Print a table for each size of document."""
    async with on_postgres() as lectern:
        reading = Documents(lectern)
        books = max(1, documents // 4)
        await reading.read(_short_documents(documents, "first"))
        await reading.read([book(20) for _ in range(2 * books)])
        short = await reading.read(_short_documents(documents, "next"))
        _print("one page of 90 letters", short, documents)
        _print("20 pages", await reading.read([book(20) for _ in range(books)]), books)


def _short_documents(count: int, which: str) -> list[bytes]:
    return [SHORT.format(number=f"{which} {number}").encode() for number in range(count)]


def _print(what: str, spent: DocumentCost, documents: int) -> None:
    tables, indexes = sum(spent.tables.values()), sum(spent.indexes.values())
    print(f"{what}: for each of {documents} documents")
    for name, count in spent.statements.most_common():
        print(f"  statements of {name:10} {count / documents:10.1f}")
    print(f"  events     {spent.events / documents:10.1f}")
    print(f"  records    {spent.records / documents / 1000:10.1f} kB")
    print(f"  database   {(tables + indexes) / documents / 1000:10.1f} kB")
    for name, size in (spent.tables + spent.indexes).most_common(16):
        of_index = spent.indexes[name] / documents / 1000
        print(f"    {name:32} {size / documents / 1000:8.1f} kB, {of_index:8.1f} of indexes")


def main() -> None:
    """Measure and print."""
    parser = described(__doc__)
    parser.add_argument("--documents", type=int, default=20, help="of one page; a quarter of 20")
    asyncio.run(measure(parser.parse_args().documents))


if __name__ == "__main__":
    main()
