"""What idle event streams cost: ``python -m bench.gateway.idle_streams [STREAMS]`` (default 600).

In one process, on SQLite: the CPU that streams of different documents, and then streams of all
documents of different users, take while nothing happens, as a share of a core; and the time of a
read beside them and without them. Their credentials are looked at as by the routes.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from bench.command_line import numbers
from lectern.service_catalog import SERVICES
from libs.common.settings import CommonSettings, load
from libs.common.store.migrate import upgrade
from services.gateway.accounts.current_caller import GivenToken
from services.gateway.accounts.tokens import Tokens
from services.gateway.app import NAME, assemble
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.selects import may_see
from services.gateway.documents.uploads import Source, Submission
from services.gateway.kernel.record import Kernel
from services.gateway.watching.account_feeds import AccountFeeds
from services.gateway.watching.account_stream import account_events
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.stream import StreamPace, status_events

WATCHED_S = 60.0
READS = 100

Events = AsyncGenerator[str, None]


async def measure(folder: Path, count: int) -> None:
    """Print the figures."""
    common = CommonSettings(kafka_bootstrap_servers="x:1", storage_url=f"file://{folder}/objects")
    (settings_class,) = (spec.settings for spec in SERVICES if spec.name == NAME)
    settings: Any = load(settings_class, database_url=f"sqlite+aiosqlite:///{folder}/gateway.db")
    assembly = assemble(common, settings)
    kernel = assembly.kernel
    await upgrade(kernel.database, assembly.parts.migrations)
    owners = [await Tokens(kernel.database).create("bench") for _ in range(count)]
    watchers = [_Watcher(kernel, owner, token) for owner, token in owners]
    documents = [await _document(kernel, owner) for owner, _ in owners]
    async with kernel.changes:
        feeds, account = Feeds(kernel.changes, kernel.limits), AccountFeeds(changes=kernel.changes)
        of_one = [
            partial(watcher.of_document, feeds, document)
            for watcher, document in zip(watchers, documents, strict=True)
        ]
        of_all = [partial(watcher.of_account, account, feeds) for watcher in watchers]
        await _idle(kernel, "of a document", owners[0][0], of_one)
        await _idle(kernel, "of an account", owners[0][0], of_all)
    await kernel.database.close()


async def _idle(
    kernel: Kernel, kind: str, owner: UUID, streams: Sequence[Callable[[], Events]]
) -> None:
    """Print what streams cost."""
    quiet, begun = await _read(kernel, owner), asyncio.Semaphore(0)
    watching = [asyncio.create_task(_watch(stream(), begun)) for stream in streams]
    for _ in streams:
        await begun.acquire()
    before = time.process_time()
    await asyncio.sleep(WATCHED_S)
    share = (time.process_time() - before) / WATCHED_S
    beside = await _read(kernel, owner)
    for task in watching:
        task.cancel()
    await asyncio.wait(watching)
    print(f"{len(streams)} idle streams {kind} take {share:.3f} of a core; a read takes")
    print(f"{quiet * 1000:.1f} ms without them, {beside * 1000:.1f} ms beside them")


async def _watch(events: Events, begun: asyncio.Semaphore) -> None:
    async with aclosing(events) as told:
        await anext(told)
        begun.release()
        async for _ in told:
            pass


@dataclass(frozen=True)
class _Watcher:
    """Somebody with a token, and the streams that the routes make for them."""

    kernel: Kernel
    user_id: UUID
    token: str

    async def of_document(self, feeds: Feeds, document_id: UUID) -> Events:
        """Watch one document."""

        async def allowed() -> bool:
            return await self._given().is_valid() and await may_see(
                self.kernel.database, self.user_id, document_id
            )

        with feeds.of(document_id) as feed:
            stream = status_events(feed, self.kernel.changes, allowed, StreamPace())
            async with aclosing(stream) as told:
                async for text in told:
                    yield text

    async def of_account(self, account: AccountFeeds, feeds: Feeds) -> Events:
        """Watch all documents."""
        with account.of(self.user_id) as feed:
            stream = account_events(feed, feeds, self._given().is_valid, StreamPace())
            async with aclosing(stream) as told:
                async for text in told:
                    yield text

    def _given(self) -> GivenToken:
        return GivenToken(database=self.kernel.database, secret=self.token, is_session=False)


async def _document(kernel: Kernel, owner: UUID) -> UUID:
    document_id, source = uuid4(), Source(kind="url", url="https://example.org/")
    submission = Submission(document_id=document_id, owner_id=owner, source=source)
    await DocumentCommands(kernel).submit(submission)
    return document_id


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
