"""What it costs that several writers decide about one stream: expected versions against locks.

    python -m bench.store.contention [rounds]

Each writer reads a stream, decides, and appends an event that says what version it was decided on:
all of them about the same stream, or each about its own. On PostgreSQL, the installed one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.command_line import numbers
from libs.common.contracts.documents import DocumentRejected
from libs.common.database.engine import Database
from libs.common.errors import Conflict
from libs.common.store.event_store import append, load, version_of
from libs.common.store.tables import core
from libs.common.testing.servers import NativePostgres

Decide = Callable[[AsyncConnection, UUID], Awaitable[None]]


async def with_expected_version(connection: AsyncConnection, document_id: UUID) -> None:
    """Decide, and have the append notice that somebody else was faster."""
    seen = await version_of(connection, f"document/{document_id}")
    await append(connection, [decision(document_id, seen)], expected=seen)


async def behind_a_lock(connection: AsyncConnection, document_id: UUID) -> None:
    """Wait until nobody else decides about this stream."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:number)"), {"number": document_id.int % 2**63}
    )
    seen = await version_of(connection, f"document/{document_id}")
    await append(connection, [decision(document_id, seen)])


async def looking_first(connection: AsyncConnection, document_id: UUID) -> None:
    """Compare the version by a query before the append: what this must not be replaced by."""
    stream = f"document/{document_id}"
    seen = await version_of(connection, stream)
    if await version_of(connection, stream) != seen:
        raise Conflict(stream)
    await append(connection, [decision(document_id, seen)])


def decision(document_id: UUID, seen: int) -> DocumentRejected:
    """Return an event that tells what version it was decided on."""
    return DocumentRejected(
        document_id=document_id, owner_id=document_id, code=f"seen_{seen}", details=None
    )


async def measure(database: Database, decide: Decide, writers: int, rounds: int, one: bool) -> str:
    """Let ``writers`` decide ``rounds`` times each; return what it took as a row of a table."""
    shared = uuid4()
    documents = [shared if one else uuid4() for _ in range(writers)]
    conflicts = 0

    async def writer(document_id: UUID) -> None:
        nonlocal conflicts
        done = 0
        while done < rounds:
            try:
                async with database.transaction() as connection:
                    await decide(connection, document_id)
                done += 1
            except Conflict:
                conflicts += 1

    started = perf_counter()
    await asyncio.gather(*map(writer, documents))
    spent_ms = (perf_counter() - started) * 1000 / (writers * rounds)
    lost = await lost_decisions(database, set(documents))
    what = "one stream" if one else "a stream each"
    name = decide.__name__.replace("_", " ")
    tries = 1 + conflicts / (writers * rounds)
    return f"| {name} | {writers} | {what} | {spent_ms:.2f} | {tries:.2f} | {lost} |"


async def lost_decisions(database: Database, documents: set[UUID]) -> int:
    """Return how many decisions were made on a version that was not the last one."""
    lost = 0
    async with database.reading() as connection:
        for document_id in documents:
            found = await load(connection, [f"document/{document_id}"], DocumentRejected.topic)
            codes = [event.code for event in found if isinstance(event, DocumentRejected)]
            lost += sum(code != str(version) for version, code in enumerate(codes))
    return lost


async def compare(url: str, rounds: int) -> None:
    """Print the table."""
    database = Database(url, pool_size=8)
    async with database.transaction() as connection:
        await connection.run_sync(core.drop_all)
        await connection.run_sync(core.create_all)
    print("| | writers | about | ms per decision | tries | decided on an old version |")
    print("|---|---|---|---|---|---|")
    for decide in (with_expected_version, behind_a_lock, looking_first):
        for writers in (1, 2, 8):
            print(await measure(database, decide, writers, rounds, one=True), flush=True)
        print(await measure(database, decide, 8, rounds, one=False), flush=True)
    await database.close()


def main() -> None:
    """Start PostgreSQL, measure, stop it."""
    (rounds,) = numbers(__doc__, rounds=200)
    server = NativePostgres()
    try:
        asyncio.run(compare(server.start(), rounds))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
