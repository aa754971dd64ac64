"""What it costs to order a document that is spoken: ``python -m bench.gateway.orders [PAGES]``.

A short document and a long one take turns, on SQLite and on PostgreSQL, the installed one. Ordering
holds the owner's lock from beginning to end, so its time is the time under the lock. A figure is
the median of the rounds. CPU time is that of this process, which on SQLite is all there is: it does
not depend on who else uses the machine, nor do statements.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event

from bench.command_line import numbers
from bench.store.databases import on_each_kind
from libs.common.contracts.audio import VoiceInfo, VoicesAnnounced
from libs.common.contracts.base import ObjectRef
from libs.common.database.engine import Database
from libs.common.observability.metrics import Metrics
from libs.common.storage.build import open_storage
from libs.common.store.effects import apply
from libs.common.store.migrate import upgrade
from services import gateway
from services.gateway.audio.tables import audios
from services.gateway.documents.tables import documents, pages
from services.gateway.features import FEATURES
from services.gateway.kernel.changes import Changes
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.queries import NarrationQueries

SHORT = 50
ROUNDS = 5
NOW = "2026-01-01T00:00:00.000000Z"
OWNER = UUID(int=7)
OBJECT = ObjectRef(key="k", sha256="0" * 64, size=1, media_type="application/octet-stream")
VOICES = VoicesAnnounced(
    engine="espeak",
    voices=(VoiceInfo(id="en", name="English", language="en", gender=None),),
    default_voice="en",
    is_default_engine=True,
)

MIGRATIONS = Path(gateway.__file__).with_name("migrations")


@dataclass(frozen=True, kw_only=True)
class OrderCost:
    """What an order took, and then a look at it."""

    order_ms: float
    cpu_ms: float
    look_ms: float
    statements: int


async def spoken_document(database: Database, count: int) -> UUID:
    """Write a document of ``count`` pages, every one of them spoken."""
    document_id = str(uuid4())
    about = {"document_id": document_id, "owner_id": str(OWNER)}
    stored = OBJECT.model_dump(mode="json")
    known = {"source_kind": "file", "submitted_at": NOW, "parsed_at": NOW, "page_count": count}
    page = {
        "document_id": document_id,
        "extracted": stored,
        "extracted_characters": 90,
        "segments": stored,
        "segments_revision": 0,
        "segments_characters": 90,
        "utterances": 2,
    }
    audio = about | {
        "revision": 0,
        "requested_by": str(OWNER),
        "engine": "espeak",
        "voice": "en",
        "rate": 1.0,
        "formats": ["m4a"],
        "format_bits": 1,
        "requested_at": NOW,
        "duration_ms": 1500,
        "ready_at": NOW,
    }
    numbers = range(1, count + 1)
    async with database.transaction() as connection:
        await connection.execute(documents.insert(), [about | known])
        await connection.execute(pages.insert(), [page | {"page": number} for number in numbers])
        spoken = [audio | {"page": number, "audio_id": str(uuid4())} for number in numbers]
        await connection.execute(audios.insert(), spoken)
    return UUID(document_id)


async def measure(kernel: Kernel, document_id: UUID) -> OrderCost:
    """Order all pages of a document that nobody has ordered, and look at the narration."""
    statements = 0

    def note(*_: Any) -> None:
        nonlocal statements
        statements += 1

    engine = kernel.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    started, cpu_s = perf_counter(), process_time()
    narration_id = await NarrationCommands(kernel).narrate(OWNER, document_id, NarrationOptions())
    ordered, cpu_s = perf_counter(), process_time() - cpu_s
    event.remove(engine, "before_cursor_execute", note)
    view = await NarrationQueries(kernel.database, kernel.limits).narration(OWNER, narration_id)
    if view.state != "ready":
        raise RuntimeError(f"the narration is {view.state}, though all its pages are spoken")
    return OrderCost(
        order_ms=(ordered - started) * 1000,
        cpu_ms=cpu_s * 1000,
        look_ms=(perf_counter() - ordered) * 1000,
        statements=statements,
    )


def kernel_on(database: Database) -> Kernel:
    """Return what the commands work with; what is no limit of narrations is not asked for here."""
    return Kernel(
        database=database,
        storage=open_storage("file:///nowhere"),
        metrics=Metrics("gateway"),
        limits=GatewayLimits(
            max_upload_bytes=1,
            upload_timeout_seconds=1,
            max_page_bytes=1,
            max_audios_per_page=4,
            max_unparsed_documents_per_owner=20,
            max_open_narrations_per_document=20,
            max_pages_in_flight_per_owner=8,
            max_characters_per_owner_and_day=1_000_000,
            max_documents_per_owner=0,
            max_stored_bytes_per_owner=0,
            max_open_narrations_per_owner=0,
            max_requests=1,
            max_requests_per_owner=1,
            max_streams=1,
            max_streams_per_owner=1,
            narration_stalled_seconds=21_600,
            playback_link_seconds=60,
        ),
        changes=Changes(database, 1.0),
        features=FEATURES,
    )


async def compare(url: str, name: str, long: int) -> None:
    """Print two rows of the table."""
    kernel = kernel_on(Database(url))
    await upgrade(kernel.database, MIGRATIONS)
    async with kernel.database.transaction() as connection:
        await apply(connection, kernel.project(VOICES), None)
    found: dict[int, list[OrderCost]] = {SHORT: [], long: []}
    for _ in range(ROUNDS):
        for count, spent in found.items():
            spent.append(await measure(kernel, await spoken_document(kernel.database, count)))
    for count, spent in found.items():
        order = median(one.order_ms for one in spent)
        cpu = median(one.cpu_ms for one in spent)
        look = median(one.look_ms for one in spent)
        per_page = cpu / count / (median(one.cpu_ms for one in found[SHORT]) / SHORT)
        print(
            f"| {name} | {count:,} | {order:.1f} | {cpu:.1f} | {per_page:.3f} | {look:.1f}"
            f" | {spent[-1].statements} |",
            flush=True,
        )
    await kernel.database.close()


def main() -> None:
    """Measure on a file, then on a PostgreSQL that is started for it."""
    (long,) = numbers(__doc__, pages=5000)
    print("| | pages | ms, under the lock | CPU ms | CPU per page, of 50 | ms to look | SQL |")
    print("|---|---|---|---|---|---|---|")
    on_each_kind(lambda kind, url: asyncio.run(compare(url, kind, long)), "gateway")


if __name__ == "__main__":
    main()
