"""A gateway on a real SQLite database and a folder, with the other services played by events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copy
from typing import Any, ClassVar
from uuid import UUID, uuid4
from weakref import WeakSet

import httpx
from fastapi import FastAPI
from sqlalchemy import select
from starlette.applications import Starlette

from libs.common.contracts.audio import (
    AudiobookReady,
    AudiobookRequested,
    AudioFailed,
    AudioReady,
    AudioRequested,
    Rendition,
    VoiceInfo,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event, ObjectRef
from libs.common.contracts.details import (
    DETAILS,
    AudiobookContents,
    Details,
    FailureDetails,
    PageText,
    ParsedDocument,
)
from libs.common.contracts.documents import (
    DocumentParsed,
    DocumentRejected,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import (
    NarrationCompleted,
    NarrationFailed,
)
from libs.common.contracts.speech.utterances import Block, SegmentedPage, Utterance
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.worker import Worker
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from libs.common.storage.details import read_details
from libs.common.store.event_store import restore
from libs.common.store.migrate import upgrade
from libs.common.store.tables import events, jobs, now_ms
from libs.common.testing.costs.loop_watchdog import not_counted
from libs.common.testing.records import record
from services.gateway.accounts.tokens import Tokens
from services.gateway.app import Assembly, assemble
from services.gateway.audio.commands import AudioCommands
from services.gateway.audio.queries import AudioQueries
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.http.application import create_app
from services.gateway.http.exposure import Exposure
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.queries import NarrationQueries
from services.gateway.settings import Settings

FOUND = {"title": "Found title", "author": None, "chapters": (), "cover": None, "warnings": ()}
"""What a document says about itself unless a test says otherwise."""
VOICES = VoicesAnnounced(
    engine="espeak",
    voices=(
        VoiceInfo(id="en", name="English", language="en", gender="male"),
        VoiceInfo(id="de", name="Deutsch", language="de", gender=None),
    ),
    default_voice="en",
    is_default_engine=True,
)


class NoDeadLetters:
    async def send_and_wait(self, topic, value, key, *, headers):
        raise AssertionError(f"dead letter for {topic}")


def of_audio(asked: AudioRequested) -> dict[str, Any]:
    """What every event of an audio says."""
    return {
        name: getattr(asked, name)
        for name in ("document_id", "owner_id", "requested_by", "audio_id")
    }


def of_audiobook(asked: AudiobookRequested) -> dict[str, Any]:
    """What every event of an audiobook says."""
    names = ("document_id", "owner_id", "requested_by", "audiobook_id", "narration_id")
    return {name: getattr(asked, name) for name in names}


async def do_jobs(parts: ServiceParts) -> None:
    """Run a worker until no job is due."""
    due = jobs.c.run_at_ms <= now_ms()
    worker = Worker(
        database=parts.database,
        storage=parts.storage,
        service=parts.name,
        routes=parts.work,
        metrics=parts.metrics,
        lease_ms=30_000,
        poll_interval_s=0.02,
    )
    if not await parts.database.fetch(select(jobs.c.id).where(due).limit(1)):
        return
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            while await parts.database.fetch(select(jobs.c.id).where(due).limit(1)):
                await asyncio.sleep(0.01)
    finally:
        worker.drain()
        await running


def reference(key: str = "k", content: bytes = b"x") -> ObjectRef:
    return ObjectRef(
        key=key,
        sha256=sha256(content).hexdigest(),
        size=len(content),
        media_type="application/octet-stream",
    )


@dataclass(repr=False)  # asyncio makes one of what a fixture returns: of all tables, 0.1 s
class World:
    assembly: Assembly
    owner: UUID
    token: str

    def __post_init__(self):
        parts = self.assembly.parts
        self.database = parts.database
        self.storage = parts.storage
        self.kernel = kernel = self.assembly.kernel
        self.documents = DocumentCommands(kernel)
        self.audio = AudioCommands(kernel)
        self.narrations = NarrationCommands(kernel)
        self.document_queries = DocumentQueries(kernel.database)
        self.audio_queries = AudioQueries(kernel.database)
        self.narration_queries = NarrationQueries(kernel.database, kernel.limits)
        self.tokens = Tokens(kernel.database)
        self.app = Starlette(routes=parts.http_routes)
        self.consumer = Consumer(
            database=parts.database,
            storage=parts.storage,
            service=parts.name,
            routes=parts.routes,
            dead_letters=DeadLetters(
                NoDeadLetters(),
                parts.name,
                max_in_place_s=60.0,
            ),
            metrics=parts.metrics,
            keep_events=True,
            max_attempts=5,
            max_in_place_s=60.0,
            max_consecutive_bugs=10,
        )

    async def take(self, *happened: Event) -> None:
        """Have the gateway handle events that arrive together."""
        await self.consumer.take([record(event) for event in happened])

    async def decided(self, event: type[Event]) -> list[Any]:
        """All events of one type that the gateway appended, in their order, its jobs done."""
        await self.work()
        return await self.appended(event)

    async def pages_asked(self) -> list[int]:
        """The pages that the gateway asked audio of, as often as it did, in order."""
        return [event.page for event in await self.decided(AudioRequested)]

    async def ends(self) -> list[Any]:
        """The ends of narrations, completed ones first."""
        completed = await self.decided(NarrationCompleted)
        return [*completed, *await self.decided(NarrationFailed)]

    async def appended(self, event: type[Event]) -> list[Any]:
        """All events of one type that the gateway appended so far, in their order."""
        async with self.database.reading() as connection:
            rows = await connection.execute(
                events.select().where(events.c.topic == event.topic).order_by(events.c.id)
            )
            return [restore(row.topic, row.body, row.event_id, row.occurred_at) for row in rows]

    async def hand_in(self, text=b"some text", owner=None) -> UUID:
        async def chunks() -> AsyncIterator[bytes]:
            yield text

        upload = await self.documents.receive(chunks())
        submission = upload.submission(owner or self.owner, "text", None, "A title")
        return await self.documents.submit(submission)

    async def extract(self, document: UUID, page: int, text=b"Hello there.\n") -> None:
        content = PageText(markdown=text.decode(), title=None)
        stored = await self.storage.write(
            f"documents/{document}/pages/{page:05d}.r0.json", content.encode(), DETAILS
        )
        await self.take(
            PageExtracted(
                document_id=document,
                owner_id=self.owner,
                page=page,
                text=stored,
                markdown_characters=len(text),
                language="en",
            )
        )

    async def cut(self, document: UUID, page: int, revision=0, utterances=2, characters=12) -> None:
        await self.take(
            PageSegmented(
                document_id=document,
                owner_id=self.owner,
                page=page,
                revision=revision,
                segmented_page=reference(f"documents/{document}/segments/{page}"),
                utterance_count=utterances,
                characters=characters,
                language="und",
            )
        )

    async def segment(self, document: UUID, page: int, *spoken: str) -> None:
        """Play the segmenter for one page, with the object in which it says what is spoken."""
        utterances = tuple(
            Utterance(
                index=index,
                text=text,
                block=Block.PARAGRAPH,
                language="en",
                source_start=0,
                source_end=0,
                pause_ms=0,
                spans=(),
            )
            for index, text in enumerate(spoken)
        )
        cut = SegmentedPage(title=None, language="en", utterances=utterances, omissions=())
        await self.take(
            PageSegmented(
                document_id=document,
                owner_id=self.owner,
                page=page,
                revision=0,
                segmented_page=await self.say(document, cut),
                utterance_count=len(utterances),
                characters=cut.characters,
                language="en",
            )
        )

    async def parse(self, document: UUID, pages: int, **said) -> None:
        details = ParsedDocument.model_validate({**FOUND, **said})
        await self.take(
            DocumentParsed(
                document_id=document,
                owner_id=self.owner,
                page_count=pages,
                markdown_characters=12 * pages,
                chapter_count=len(details.chapters),
                language="en",
                details=await self.say(document, details),
                media_type="application/octet-stream",
            )
        )

    async def say(self, document: UUID, details: Details) -> ObjectRef:
        """Store details as the other services do."""
        key = f"documents/{document}/{uuid4()}.json"
        return await self.storage.write(key, details.encode(), DETAILS)

    async def reject(self, document: UUID, code="bad", reason="It is bad.") -> None:
        """Play ingest, which cannot read a document."""
        details = await self.say(document, FailureDetails(reason=reason))
        about = {"document_id": document, "owner_id": self.owner}
        await self.take(DocumentRejected(**about, code=code, details=details))

    async def fail(self, asked: AudioRequested, code="broke", reason="It broke.") -> None:
        """Play synth, which cannot speak a page."""
        details = await self.say(asked.document_id, FailureDetails(reason=reason))
        await self.take(AudioFailed(**of_audio(asked), page=asked.page, code=code, details=details))

    async def work(self) -> None:
        """Do what jobs are due, until there are none."""
        await do_jobs(self.assembly.parts)

    async def contents(self, asked: AudiobookRequested) -> AudiobookContents:
        """What an audiobook is to be made of."""
        return await read_details(self.storage, asked.details, AudiobookContents)

    async def bind(self, asked: AudiobookRequested, **more) -> None:
        """Play synth for one audiobook."""
        await self.take(
            AudiobookReady(
                **of_audiobook(asked),
                **{
                    "format": asked.format,
                    "object": reference(),
                    "details": asked.details,
                    "duration_ms": 1500,
                    "chapter_count": 1,
                    "loudness_lufs": None,
                }
                | more,
            )
        )

    async def read(self, document: UUID, pages: int) -> None:
        """Play ingest and segmenter for a whole document."""
        for page in range(1, pages + 1):
            await self.extract(document, page)
            await self.cut(document, page)
        await self.parse(document, pages)

    async def speak(self, asked: AudioRequested, content=b"0123456789") -> None:
        """Play synth for one page."""
        base = f"audio/{asked.document_id}/{asked.audio_id}"
        renditions = []
        for audio_format in asked.formats:
            stored = await self.storage.write(f"{base}/page.{audio_format}", content, "audio/mp4")
            renditions.append(Rendition(format=audio_format, object=stored))
        timings = await self.storage.write(f"{base}/timings.json", b'{"version":1}')
        captions = await self.storage.write(f"{base}/captions.vtt", b"WEBVTT\n")
        await self.take(
            AudioReady(
                **of_audio(asked),
                page=asked.page,
                revision=asked.revision,
                engine=asked.engine,
                voice=asked.voice,
                rate=asked.rate,
                renditions=tuple(renditions),
                timings=timings,
                captions=captions,
                duration_ms=1500,
                characters_asked=asked.characters,
                characters_spoken=asked.characters,
                segments_cached=0,
                loudness_lufs=None,
                characters_cached=0,
            )
        )

    async def speak_everything(self) -> None:
        """Play synth until nothing more is asked of it."""
        done: set[UUID] = set()
        while left := [
            event for event in await self.decided(AudioRequested) if event.audio_id not in done
        ]:
            for event in left:
                done.add(event.audio_id)
                await self.speak(event)

    async def speak_everything_without_jobs(self) -> None:
        """Play synth for what was asked of it so far; jobs of the gateway stay undone."""
        for event in await self.appended(AudioRequested):
            await self.speak(event)

    def client(self, token: str | None = None, app=None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=_EachByItself(app=app or self.app),
            base_url="http://gateway/api/v1",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )


class _EachByItself(httpx.ASGITransport):
    """Requests in turns of their own, as a server hears them.

    The first one to an application puts it together, and is not counted by the watchdog of loops.
    """

    _begun: ClassVar[WeakSet[Any]] = WeakSet()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if self.app in self._begun:
            return await super().handle_async_request(request)
        self._begun.add(self.app)
        with not_counted():
            return await super().handle_async_request(request)


def assembled(common: CommonSettings, settings: Settings) -> Assembly:
    """Put a gateway together; a service does so before it serves anybody."""
    with not_counted():
        return assemble(common, settings)


def another_app(world: World) -> FastAPI:
    """A second gateway's application, on the same database."""
    with not_counted():
        return create_app(world.kernel, Exposure())


async def migrate(url: str, common: CommonSettings) -> None:
    """Bring an empty database up to date; on SQLite the tests of a run share it as a template."""
    parts = assembled(common, Settings(database_url=url)).parts
    await upgrade(parts.database, parts.migrations)
    await parts.database.close()


@asynccontextmanager
async def a_world(
    folder: Path, database_url: str | None = None, **settings: Any
) -> AsyncIterator[World]:
    """A gateway on a SQLite database in ``folder``, or on an empty database of any kind.

    Tests hand in as much as they like, unless ``settings`` say otherwise. With a ``storage_url``
    among them objects are there, else they are in ``folder``.
    """
    storage_url = settings.pop("storage_url", f"file://{folder}/objects")
    settings = {"max_unparsed_documents_per_owner": 1000, "rate_limits": False, **settings}
    common = CommonSettings(kafka_bootstrap_servers="nowhere:9092", storage_url=storage_url)
    if database_url is None:
        template = folder.parent / "gateway-template.db"
        if not template.exists():
            await migrate(f"sqlite+aiosqlite:///{template}", common)
        copy(template, folder / "gateway.db")
        database_url = f"sqlite+aiosqlite:///{folder}/gateway.db"
    else:
        await migrate(database_url, common)
    assembly = assembled(common, Settings(database_url=database_url, **settings))
    owner, token = await Tokens(assembly.kernel.database).create("tester")
    try:
        yield World(assembly, owner, token)
    finally:
        await assembly.parts.database.close()
