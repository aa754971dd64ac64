"""``lectern read``: one document in, one audiobook out, through all five services.

The ids of document and narration follow from what is read and how, so the same command after an
interruption finds what the earlier run left and resumes there. They are made with the key of the
data folder: ids are in events, and must not tell whoever guesses a file that it was read.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from lectern.display import Display, ReadingProgress
from lectern.exits import Exit, Failed
from lectern.standalone import Standalone
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import AudiobookFormat
from libs.common.database.wakeups import Wakeup
from libs.common.keyed_digests import keyed_uuid
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.uploads import Source, Submission
from services.gateway.documents.views import DocumentView
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.queries import NarrationQueries
from services.gateway.narrations.views import NarrationView

LOCAL_OWNER = UUID("6f1d5b52-8a0e-4a53-9d5b-0a4c5f0a7e11")
"""Whose documents are those of the command line."""

BLOCK_BYTES = 1 << 20
LOOK_EVERY_S = 1.0
SETTLE_S = 0.2
"""Several changes that come together are looked at once."""
LOOK_SHARE = 0.01
"""Of the time, how much may be spent looking: a look reads a row or two for every page."""
FORMATS: dict[str, AudiobookFormat] = {"m4b": "m4b", "mp3": "mp3", "opus": "opus"}


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """What the command line asks for. ``source`` is a path or a web address."""

    source: str
    output: Path
    options: NarrationOptions
    pages_folder: Path | None = None
    fresh: bool = False

    @property
    def is_url(self) -> bool:
        """Whether the source is a web address."""
        return self.source.startswith(("http://", "https://"))


@dataclass(frozen=True, kw_only=True)
class ReadingResult:
    """What was made, for people and, as JSON, for machines."""

    document_id: str
    title: str
    output: str
    bytes: int
    duration_ms: int
    pages: int
    chapters: int
    loudness_lufs: float | None
    seconds: float
    first_audio_seconds: float | None
    times_real_time: float
    resumed: bool
    page_files: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


class Reading:
    """One run of ``lectern read``."""

    def __init__(self, lectern: Standalone, request: ReadRequest, display: Display) -> None:
        self._lectern = lectern
        self._kernel = lectern.gateway.kernel
        self._documents = DocumentQueries(self._kernel.database)
        self._narrations = NarrationQueries(self._kernel.database, self._kernel.limits)
        self._request = request
        self._display = display
        self._started = monotonic()
        self._started_at = datetime.now(UTC)

    async def run(self) -> ReadingResult:
        """Read the document and write the audiobook.

        Raises:
            Failed: It cannot be read, spoken or written.
        """
        document_id, narration_id, resumed = await self._submit()
        narration = await self._follow(document_id, narration_id)
        book = narration.audiobook
        if book is None or book.duration_ms is None:
            raise Failed(Exit.INTERNAL, "there is no audiobook")
        size = await self._write(ObjectRef.model_validate(book.object), self._request.output)
        page_files = await self._write_pages(narration_id)
        took = monotonic() - self._started
        document = await self._documents.document(LOCAL_OWNER, document_id)
        return ReadingResult(
            document_id=str(document_id),
            title=document.title,
            output=str(self._request.output),
            bytes=size,
            duration_ms=book.duration_ms,
            pages=narration.pages_ready,
            chapters=book.chapters or 0,
            loudness_lufs=book.loudness_lufs,
            seconds=round(took, 2),
            first_audio_seconds=self._seconds_until(narration.first_ready_at),
            times_real_time=round(book.duration_ms / 1000 / took, 1),
            resumed=resumed,
            page_files=page_files,
        )

    async def _submit(self) -> tuple[UUID, UUID, bool]:
        """Hand the document in, or find it where an earlier run left it."""
        request, secret = self._request, self._lectern.data_folder_secret
        identity = await asyncio.to_thread(_identity, request)
        options = json.dumps(asdict(request.options), sort_keys=True, default=dict)
        for number in range(1000):
            document_id = keyed_uuid(secret, "document", identity, str(number))
            narration_id = keyed_uuid(secret, "narration", str(document_id), options)
            try:
                document = await self._documents.document(LOCAL_OWNER, document_id)
            except NotFound:
                if await self._documents.was_deleted(document_id):
                    continue  # what was deleted never comes back, not even under its id
                await self._hand_in(document_id)
                return document_id, await self._narrate(document_id, narration_id), False
            if document.failure is not None or await self._is_old(narration_id):
                continue  # it failed or is outdated: read it again
            return document_id, await self._narrate(document_id, narration_id), True
        raise Failed(
            Exit.INTERNAL, "this document was read a thousand times before; clear the data folder"
        )

    async def _is_old(self, narration_id: UUID) -> bool:
        """Whether an earlier reading is not one to go on with."""
        try:
            narration = await self._narrations.narration(LOCAL_OWNER, narration_id)
        except NotFound:
            return False
        if narration.state in {"failed", "partial", "outdated"}:
            return True
        over = narration.state == "ready"
        return over and (self._request.fresh or self._request.is_url)

    async def _hand_in(self, document_id: UUID) -> None:
        request, commands = self._request, DocumentCommands(self._kernel)
        if request.is_url:
            source = Source(kind="url", url=request.source)
            submission = Submission(document_id=document_id, owner_id=LOCAL_OWNER, source=source)
        else:
            path = Path(request.source)
            async with aclosing(_blocks(path)) as blocks:
                upload = await commands.receive(blocks, document_id=document_id)
            submission = upload.submission(LOCAL_OWNER, "file", path.name)
        await commands.submit(submission)

    async def _narrate(self, document_id: UUID, narration_id: UUID) -> UUID:
        """Ask for audio unless that was done, by us or by an identical order of others."""
        try:
            await self._narrations.narration(LOCAL_OWNER, narration_id)
        except NotFound:
            narrate, options = NarrationCommands(self._kernel).narrate, self._request.options
            return await narrate(LOCAL_OWNER, document_id, options, narration_id)
        return narration_id

    async def _follow(self, document_id: UUID, narration_id: UUID) -> NarrationView:
        """Wait until the audiobook is there, and return the narration."""
        looked_before = False
        with self._kernel.changes.watching(document_id) as wakeup:
            while True:
                began = monotonic()
                if self._lectern.stopping.is_set():
                    raise Failed(Exit.INTERNAL, "a service stopped; the log says why")
                narration = await self._narrations.narration(LOCAL_OWNER, narration_id)
                document = await self._documents.document(LOCAL_OWNER, document_id)  # says why
                self._note(document, narration)
                if narration.state in {"failed", "partial"} or document.failure is not None:
                    raise await self._failure(document, narration)
                book = narration.audiobook
                if book is not None and book.object is not None:
                    return narration
                # The first look is no measure: it is slow, since statements are built for it.
                look_s = monotonic() - began if looked_before else 0.0
                await self._until_worth_a_look(wakeup, narration_id, look_s)
                looked_before = True

    async def _until_worth_a_look(self, wakeup: Wakeup, narration_id: UUID, look_s: float) -> None:
        """Return when something has changed, but not too soon after a look that took ``look_s``."""
        not_before = monotonic() + look_s / LOOK_SHARE
        while True:
            await wakeup.wait(LOOK_EVERY_S)
            await asyncio.sleep(SETTLE_S)
            if monotonic() >= not_before or self._lectern.stopping.is_set():
                return
            if await self._narrations.is_over(narration_id):
                return

    def _note(self, document: DocumentView, narration: NarrationView) -> None:
        complete = narration.pages_total and narration.pages_ready >= narration.pages_total
        stage = "binding" if complete else "speaking" if document.pages_ready else "reading"
        self._display.show(
            ReadingProgress(
                title=document.title,
                ready=narration.pages_ready,
                found=document.pages_ready,
                pages=narration.pages_total,
                audio_ms=narration.duration_ms,
                stage=stage,
            )
        )

    def _seconds_until(self, moment: str | None) -> float | None:
        """Return how long after the start an event happened; 0 if it was before."""
        if moment is None:
            return None
        passed = datetime.fromisoformat(moment) - self._started_at
        return max(0.0, round(passed.total_seconds(), 2))

    async def _write_pages(self, narration_id: UUID) -> list[str]:
        folder = self._request.pages_folder
        if folder is None:
            return []
        written: list[str] = []
        for audio in await self._narrations.page_audios(LOCAL_OWNER, narration_id):
            name = f"page-{audio.page:04d}"
            for rendition in audio.renditions:
                path = folder / f"{name}.{rendition.format}"
                await self._write(rendition.object, path)
                written.append(str(path))
            for beside, suffix in ((audio.timings_object, "json"), (audio.captions_object, "vtt")):
                if beside is not None:
                    await self._write(beside, folder / f"{name}.{suffix}")
        return written

    async def _write(self, ref: ObjectRef, path: Path) -> int:
        """Write an object to ``path``, whole or not at all."""
        part = path.with_name(f".{path.name}.part")
        try:
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            await self._kernel.storage.fetch(ref.key, part)
            await asyncio.to_thread(os.replace, part, path)
        except OSError as error:
            raise Failed(
                Exit.CANNOT_WRITE, f"cannot write {path}: {error.strerror or error}"
            ) from error
        return ref.size

    async def _failure(self, document: DocumentView, narration: NarrationView) -> Failed:
        """Say why there will be no audiobook."""
        if document.failure is not None:
            return Failed(Exit.BAD_DOCUMENT, document.failure.reason)
        failures = await self._narrations.failures(LOCAL_OWNER, narration.narration_id, 1)
        pages = "".join(f" (page {page.page}: {page.reason})" for page in failures.items)
        return Failed(Exit.UNAVAILABLE, _reason(narration) + pages)


def _reason(narration: NarrationView) -> str:
    if narration.failure is not None:
        return narration.failure.reason
    if narration.audiobook is not None and narration.audiobook.failure is not None:
        return f"The audiobook could not be made: {narration.audiobook.failure.reason}"
    return "It could not be spoken."


def _identity(request: ReadRequest) -> str:
    if request.is_url:
        return request.source
    digest = hashlib.sha256()
    with Path(request.source).open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return f"{digest.hexdigest()}/{Path(request.source).name}"


async def _blocks(path: Path) -> AsyncGenerator[bytes, None]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
