"""How fast read models of the gateway are rebuilt, against a plain loop that applies every fold.

    python -m bench.rebuild [--documents 200] [--progressed 26] [--only PostgreSQL]

Each document has ten pages, of which each was extracted, segmented, requested, progressed so many
times, and ready. Some pages were edited twice, or given up and asked for again; some documents were
rejected or deleted. The loop reads the same chunks, and applies the writes of one event after the
other in a transaction for each chunk. A rebuild projects in its own process, and then in a pool of
two as the command does. CPU time is in microseconds for each event: that of the loop and of one
process without the server, and that of a rebuild with the pool in all processes, also the server's.
"""

import argparse
import asyncio
import gc
import os
import tempfile
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import delete, insert

from bench.command_line import described
from libs.common.contracts.audio import (
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    Rendition,
)
from libs.common.contracts.base import Event, ObjectRef
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    DocumentSubmitted,
    PageEdited,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.identifiers import uuid7
from libs.common.contracts.narrations import NarrationCompleted, NarrationRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.database.upsert import Write
from libs.common.store.effects import apply
from libs.common.store.event_store import append, restore
from libs.common.store.migrate import upgrade
from libs.common.store.tables import inbox
from libs.common.testing.servers import NativePostgres
from services.gateway.features import FEATURES
from services.gateway.rebuilding.past_events import Position, Sources, next_chunk
from services.gateway.rebuilding.projector_pool import ProjectorPool
from services.gateway.rebuilding.rebuild_tables import Rebuild
from services.gateway.tables import READ_MODELS

PAGES = 10
IN_LOOP = 20_000
WORKERS = 2
ROUNDS = 3
MIGRATIONS = Path(__file__).parents[1] / "services" / "gateway" / "migrations"
OBJECT = ObjectRef(
    key="documents/1/object.json", sha256="0" * 64, size=1000, media_type="application/octet-stream"
)
SPOKEN = {"engine": "espeak", "voice": "en", "rate": 1.0, "formats": ("m4a",)}


def story(number: int, progressed: int) -> Iterator[Event]:
    """Yield the events of one document."""
    about = {"document_id": uuid7(), "owner_id": uuid7()}
    by = about | {"requested_by": about["owner_id"]}
    narration = by | {"narration_id": uuid7()}
    yield DocumentSubmitted.model_validate(about | {"source_kind": "text", "details": OBJECT})
    yield NarrationRequested.model_validate(narration | SPOKEN | {"pages": None, "audiobook": None})
    for page in range(1, PAGES + 1):
        yield from _page(about, by, page, progressed)
    found = {"page_count": PAGES, "markdown_characters": 20_000, "chapter_count": 1}
    file = {"language": "en", "media_type": "application/pdf", "details": OBJECT}
    yield DocumentParsed.model_validate(about | found | file)
    counts = {"pages_total": PAGES, "pages_ready": PAGES, "pages_silent": 0, "pages_missing": 0}
    ended = {"missing": (), "duration_ms": 600_000, "audiobook_id": None}
    yield NarrationCompleted.model_validate(narration | counts | ended)
    if number % 10 == 0:
        yield DocumentRejected.model_validate(about | {"code": "unreadable", "details": OBJECT})
    if number % 6 == 0:
        yield DocumentDeleted.model_validate(about | {"deleted_by": about["owner_id"]})


def _page(
    about: dict[str, UUID], by: dict[str, UUID], page: int, progressed: int
) -> Iterator[Event]:
    said = {"page": page, "characters": 2000, "markdown_characters": 2000}
    cut = said | {"segmented_page": OBJECT, "revision": 0, "language": "en"}
    yield PageExtracted.model_validate(about | said | {"text": OBJECT, "language": "en"})
    yield PageSegmented.model_validate(about | cut | {"utterance_count": 26})
    for revision in (1, 2) if page % 3 == 0 else ():
        edited = said | {"revision": revision, "text": OBJECT, "language": "en"}
        yield PageEdited.model_validate(about | edited | {"edited_by": by["requested_by"]})
        again = {"revision": revision, "utterance_count": 26}
        yield PageSegmented.model_validate(about | cut | again)
    if page % 5 == 0:
        yield from _given_up(about, by | {"audio_id": uuid7(), "page": page}, cut)
    audio = by | {"audio_id": uuid7(), "page": page}
    yield AudioRequested.model_validate(audio | cut | SPOKEN)
    for done in range(1, progressed + 1):
        yield AudioProgressed.model_validate(audio | {"done": done, "total": progressed})
    spoken = {"characters_asked": 2000, "characters_spoken": 2000, "duration_ms": 60_000}
    files = {"timings": OBJECT, "captions": OBJECT}
    made = {"renditions": (Rendition(format="m4a", object=OBJECT),), "revision": 0} | files
    measured = {"characters_cached": 0, "segments_cached": 0, "loudness_lufs": -19.0}
    yield AudioReady.model_validate(audio | SPOKEN | spoken | made | measured)


def _given_up(
    about: dict[str, UUID], audio: dict[str, Any], cut: dict[str, Any]
) -> Iterator[Event]:
    yield AudioRequested.model_validate(audio | cut | SPOKEN)
    yield AudioFailed.model_validate(audio | {"code": "timeout", "details": OBJECT})
    task = {"task_id": uuid7(), "code": "timeout", "attempts": 5, "fingerprint": "0" * 16}
    stream = f"audio/{audio['audio_id']}"
    lost = {"about_stream": stream, "kind": AudioRequested.topic, "service": "gateway"}
    by = {"requested_by": audio["requested_by"], "page": audio["page"], "details": None}
    yield TaskFailed.model_validate(about | task | lost | by)


async def fill(database: Database, documents: int, progressed: int) -> int:
    """Store the history of so many documents, a millisecond apart; return how many events."""
    count = 0
    for number in range(documents):
        happened = list(story(number, progressed))
        own = [event for event in happened if event.producer == "gateway"]
        received = [_received(event, number) for event in happened if event.producer != "gateway"]
        async with database.transaction() as connection:
            await append(connection, own)
            await connection.execute(insert(inbox), received)
        count += len(happened)
    return count


def _received(event: Event, number: int) -> dict[str, object]:
    return {
        "consumer": "gateway",
        "event_id": str(event.event_id),
        "received_at_ms": 1_700_000_000_000 + number,
        "topic": event.topic,
        "occurred_at": rfc3339(event.occurred_at),
        "body": event.encode(),
    }


@dataclass(frozen=True)
class Folded:
    """Events folded, and the seconds that it took: of the clock, and of the CPU in this process."""

    events: int
    wall_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall_s

    @property
    def cpu_us(self) -> float:
        """CPU time of this process for each event, in microseconds."""
        return self.cpu_s / self.events * 1e6


async def timed(work: Awaitable[int]) -> Folded:
    """Return what some work took that returns how many events it folded."""
    started, cpu = perf_counter(), process_time()
    events = await work
    return Folded(events, perf_counter() - started, process_time() - cpu)


async def plain_loop(database: Database) -> int:
    """Apply every fold of the beginning of history to empty read models."""
    topics = sorted({event.topic for feature in FEATURES for event in feature.folds})
    sources, position, count = Sources(own=topics, received=topics), Position(), 0
    async with database.transaction() as connection:
        for table in READ_MODELS:
            await connection.execute(delete(table))
    while count < IN_LOOP:
        async with database.transaction() as connection:
            events, position = await next_chunk(connection, sources, position, None)
            if not events:
                break
            for stored in events:
                await apply(connection, _writes(restore(*stored)), None)
        count += len(events)
    return count


async def rebuild(database: Database, pool: ProjectorPool | None) -> int:
    """Rebuild everything, projecting in ``pool`` or in this process."""
    return (
        await Rebuild(
            database,
            FEATURES,
            READ_MODELS,
            show=lambda _: None,
            tell=lambda _: None,
            projector=pool,
        ).run()
    ).events


def _writes(event: Event) -> Sequence[Write]:
    folds = [feature.folds[type(event)] for feature in FEATURES if type(event) in feature.folds]
    return [write for fold in folds for write in fold(event)]


def spent_s(server: psutil.Process | None) -> float:
    """Return the CPU time so far of this process, of those below it, and of a server's."""
    roots = [psutil.Process()] if server is None else [psutil.Process(), server]
    found = {below.pid: below for root in roots for below in (root, *root.children(recursive=True))}
    return sum(time.user + time.system for time in map(psutil.Process.cpu_times, found.values()))


async def measure(
    name: str, url: str, documents: int, progressed: int, server: psutil.Process | None = None
) -> None:
    """Print the rows of one database."""
    database = Database(url)
    await upgrade(database, MIGRATIONS)
    count = await fill(database, documents, progressed)
    names = [table.name for table in READ_MODELS]
    gc.freeze()  # as the command does
    async with ProjectorPool(database, names, WORKERS) as pool:
        for _ in range(ROUNDS):
            loop = await timed(plain_loop(database))
            here = await timed(rebuild(database, None))
            before = spent_s(server)
            beside = await timed(rebuild(database, pool))
            in_all_us = (spent_s(server) - before) / beside.events * 1e6
            print(
                f"| {name} | {count:,} | {loop.rate:,.0f} | {here.rate:,.0f} | {beside.rate:,.0f} "
                f"| {loop.cpu_us:.0f} | {here.cpu_us:.0f} | {loop.cpu_us / here.cpu_us:.1f} "
                f"| {in_all_us:.0f} | {os.getloadavg()[0]:.1f} |",
                flush=True,
            )
    await database.close()


async def compare(server: NativePostgres, asked: argparse.Namespace) -> None:
    """Print the table."""
    print("| | events | loop, events/s | one process | pool | loop, CPU us | one | ratio", end=" ")
    print("| pool, CPU us | load |\n|---|---|---|---|---|---|---|---|---|---|")
    if asked.only in (None, "SQLite"):
        with tempfile.TemporaryDirectory() as folder:
            sqlite = f"sqlite+aiosqlite:///{folder}/gateway.db"
            await measure("SQLite", sqlite, asked.documents, asked.progressed)
    if asked.only in (None, "PostgreSQL"):
        url = server.start()
        process = psutil.Process(server.process.pid)
        await measure("PostgreSQL", url, asked.documents, asked.progressed, process)


def main() -> None:
    """Start PostgreSQL, measure, stop it."""
    parser = described(__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--progressed", type=int, default=26, help="of each page")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"], help="default: both")
    asked = parser.parse_args()
    server = NativePostgres()
    try:
        asyncio.run(compare(server, asked))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
