"""Books handed to one running Lectern, one after the other: python -m bench.warm DATA BOOK...

Prints, as JSON, the seconds from each submission to its audiobook and to the audio of its first
page. Start-up is left out. With ``--edit`` a sentence in the middle of the first book is changed at
the end, and the book asked for again; with ``--first-page`` the last book is left as soon as its
first page can be heard.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bench.command_line import described
from lectern.reading import LOCAL_OWNER
from lectern.reading_command import logging_to_stderr, until_voices
from lectern.standalone import Options, Standalone, running
from services.gateway.audio.queries import AudioQueries
from services.gateway.audio.tables import audios
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.uploads import Source, Submission
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.queries import NarrationQueries
from services.gateway.narrations.views import NarrationView

LOOK_EVERY_S = 0.05
OPTIONS = NarrationOptions(voice="en-us", audiobook="m4b")


async def main() -> None:
    """Read every book; print the figures."""
    parser = described(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("books", nargs="+", type=Path)
    parser.add_argument("--edit", action="store_true")
    parser.add_argument("--first-page", action="store_true")
    asked = parser.parse_args()
    options = Options(data=asked.data, log_level="ERROR", drain_timeout_seconds=9)
    figures: list[dict[str, Any]] = []
    async with logging_to_stderr(), running(options) as lectern:
        await lectern.until_ready()
        await until_voices(lectern)
        documents: list[UUID] = []
        for number, name in enumerate(asked.books, 1):
            last = asked.first_page and number == len(asked.books)
            figures.append(await _read(lectern, name, documents, only_first_page=last))
        if asked.edit:
            figures.append(await _edit(lectern, documents[0]))
    print(json.dumps(figures))


async def _read(
    lectern: Standalone, book: Path, documents: list[UUID], *, only_first_page: bool
) -> dict[str, Any]:
    kernel = lectern.gateway.kernel
    commands = DocumentCommands(kernel)
    text = await asyncio.to_thread(book.read_bytes)
    started = monotonic()
    upload = await commands.receive(_once(text))
    document_id = upload.document_id
    source = Source(kind="file", object=upload.stored, filename=book.name)
    await commands.submit(Submission(document_id=document_id, owner_id=LOCAL_OWNER, source=source))
    documents.append(document_id)
    narration_id = await NarrationCommands(kernel).narrate(LOCAL_OWNER, document_id, OPTIONS)
    heard = select(audios.c.audio_id).where(
        audios.c.document_id == str(document_id), audios.c.ready_at.is_not(None)
    )
    while not await kernel.database.fetch(heard.limit(1)):
        await asyncio.sleep(LOOK_EVERY_S)
    first_page_s = monotonic() - started
    if only_first_page:
        return {"first_page_s": first_page_s}
    narration = await _done(lectern, narration_id)
    return _figures(narration, started) | {"first_page_s": first_page_s}


async def _edit(lectern: Standalone, document_id: UUID) -> dict[str, Any]:
    """Change a word of the page in the middle as an editor does, and ask for the book again."""
    kernel = lectern.gateway.kernel
    document = await DocumentQueries(kernel.database).document(LOCAL_OWNER, document_id)
    number = (document.pages_total or 0) // 2
    page, _ = await AudioQueries(kernel.database).page(LOCAL_OWNER, document_id, number)
    text = await kernel.storage.read(page.text_object.key)
    started = monotonic()
    await DocumentCommands(kernel).edit_page(
        LOCAL_OWNER, document_id, number, edited(text.decode()), page.revision
    )
    narration_id = await NarrationCommands(kernel).narrate(LOCAL_OWNER, document_id, OPTIONS)
    return _figures(await _done(lectern, narration_id), started)


async def _done(lectern: Standalone, narration_id: UUID) -> NarrationView:
    """Wait for the audiobook."""
    queries = NarrationQueries(lectern.gateway.kernel.database, lectern.gateway.kernel.limits)
    while True:
        over = await queries.is_over(narration_id)
        narration = await queries.narration(LOCAL_OWNER, narration_id)
        if narration.state not in {"working", "ready"}:
            raise RuntimeError(f"the narration is {narration.state}")
        if over:
            return narration
        await asyncio.sleep(LOOK_EVERY_S)


def _figures(narration: NarrationView, started: float) -> dict[str, Any]:
    return {
        "seconds": monotonic() - started,
        "pages": narration.pages_total,
        "audio_s": narration.duration_ms / 1000,
    }


def edited(text: str) -> str:
    """Change a word in the middle of a text: the first one of a sentence."""
    middle = text.index(". ", len(text) // 2) + 2
    return f"{text[:middle]}Yesterday, {text[middle].lower()}{text[middle + 1 :]}"


async def _once(text: bytes) -> AsyncIterator[bytes]:
    yield text


if __name__ == "__main__":
    asyncio.run(main())
