"""What idle status streams cost: ``python -m bench.gateway.idle_streams [STREAMS]`` (default 600).

In one process, on SQLite: the CPU that streams of different documents take while nothing happens,
as a share of a core, and the time of a read beside them and without them.
"""

import asyncio
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from bench.command_line import numbers
from lectern.service_catalog import SERVICES
from libs.common.settings import CommonSettings, load
from libs.common.store.migrate import upgrade
from services.gateway.app import NAME, assemble
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.uploads import Source, Submission
from services.gateway.kernel.record import Kernel
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.stream import StreamPace, status_events

WATCHED_S = 20.0
READS = 100


async def measure(folder: Path, count: int) -> None:
    """Print the figures."""
    common = CommonSettings(kafka_bootstrap_servers="x:1", storage_url=f"file://{folder}/objects")
    (settings_class,) = (spec.settings for spec in SERVICES if spec.name == NAME)
    settings: Any = load(settings_class, database_url=f"sqlite+aiosqlite:///{folder}/gateway.db")
    assembly = assemble(common, settings)
    kernel = assembly.kernel
    await upgrade(kernel.database, assembly.parts.migrations)
    owner = uuid4()
    documents = [await _document(kernel, owner) for _ in range(count)]
    quiet = await _read(kernel, owner)
    async with kernel.changes:
        feeds, begun = Feeds(kernel.changes, kernel.limits), asyncio.Semaphore(0)
        watching = [asyncio.create_task(_watch(kernel, feeds, one, begun)) for one in documents]
        for _ in documents:
            await begun.acquire()
        before = time.process_time()
        await asyncio.sleep(WATCHED_S)
        share = (time.process_time() - before) / WATCHED_S
        beside = await _read(kernel, owner)
    await asyncio.gather(*watching)
    await kernel.database.close()
    print(f"{count} idle streams take {share:.3f} of a core; a read takes {quiet * 1000:.1f} ms")
    print(f"without them and {beside * 1000:.1f} ms beside them: {beside / quiet:.2f} x")


async def _document(kernel: Kernel, owner: UUID) -> UUID:
    document_id, source = uuid4(), Source(kind="url", url="https://example.org/")
    submission = Submission(document_id=document_id, owner_id=owner, source=source)
    await DocumentCommands(kernel).submit(submission)
    return document_id


async def _watch(kernel: Kernel, feeds: Feeds, document_id: UUID, begun: asyncio.Semaphore) -> None:
    async def allowed() -> bool:
        return True

    with feeds.of(document_id) as feed:
        events = status_events(feed, kernel.changes, allowed, StreamPace())
        async with aclosing(events) as told:
            await anext(told)
            begun.release()
            async for _ in told:
                pass


async def _read(kernel: Kernel, owner: UUID) -> float:
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        await DocumentQueries(kernel.database).documents(owner, 10, None)
        times.append(time.perf_counter() - began)
    return median(times)


if __name__ == "__main__":
    (streams,) = numbers(__doc__, streams=600)
    with tempfile.TemporaryDirectory(prefix="lectern-streams-") as name:
        asyncio.run(measure(Path(name), streams))
