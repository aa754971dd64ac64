"""The job that makes an audiobook of page audios, and the one that erases audio."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from libs.common.effects import Effect
from libs.common.errors import LecternError, Permanent
from libs.common.events import AudiobookReady, AudiobookRequested, AudioReady
from libs.common.history import History
from libs.common.pool import CpuPool
from libs.common.storage import Storage, read_verified
from libs.common.worker import Job
from services.synth.assembly import bind_book
from services.synth.audio.tags import Tags
from services.synth.handlers import BindJob, EraseJob, book_gave_up
from services.synth.speaking import MEDIA_TYPES

PAGES_AT_ONCE = 8


@dataclass(frozen=True)
class Binder:
    """Makes audiobooks. Pages lie on disk meanwhile, never in memory."""

    storage: Storage
    history: History
    pool: CpuPool

    async def bind(self, job: Job[BindJob]) -> Sequence[Effect]:
        """Make one audiobook."""
        asked = job.payload.request
        page_format = "m4a" if asked.format == "m4b" else asked.format
        ready = await self._page_audios(asked)
        cover = await read_verified(self.storage, asked.cover) if asked.cover else None
        with TemporaryDirectory(prefix="lectern-synth-") as folder:
            pages = await self._fetch_all(Path(folder), ready, page_format)
            path = Path(folder) / f"book.{asked.format}"
            book = await self.pool.run(
                bind_book, path, pages, asked.format, chapters_of(asked), tags_of(asked), cover
            )
            stored = await self.storage.write_file(
                f"audio/{asked.document_id}/books/{asked.audiobook_id}.{asked.format}",
                path,
                MEDIA_TYPES[asked.format],
            )
        return [
            AudiobookReady(
                document_id=asked.document_id,
                audiobook_id=asked.audiobook_id,
                format=asked.format,
                object=stored,
                title=asked.title,
                duration_ms=book.duration_ms,
                chapters=book.chapters,
                loudness_lufs=book.loudness_lufs,
            )
        ]

    async def erase(self, job: Job[EraseJob]) -> Sequence[Effect]:
        """Remove audio that was deleted."""
        await self.storage.delete_prefix(job.payload.prefix)
        return []

    async def _page_audios(self, asked: AudiobookRequested) -> list[AudioReady]:
        streams = [f"audio/{each}" for each in asked.audio_ids]
        found = {each.audio_id: each for each in await self.history.of_many(streams, AudioReady)}
        missing = [each for each in asked.audio_ids if each not in found]
        if missing:
            raise Permanent(f"{len(missing)} of the pages were never spoken here")
        return [found[each] for each in asked.audio_ids]

    async def _fetch_all(
        self, folder: Path, audios: Sequence[AudioReady], page_format: str
    ) -> list[tuple[Path, float | None]]:
        """Lay the pages of a book out, some at a time: a bucket takes its time for each."""
        pages: list[tuple[Path, float | None]] = []
        for first in range(0, len(audios), PAGES_AT_ONCE):
            some = enumerate(audios[first : first + PAGES_AT_ONCE], first)
            fetches = (self._fetch(folder, index, each, page_format) for index, each in some)
            # All of them are waited for: one that goes on would miss the folder.
            for outcome in await asyncio.gather(*fetches, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                pages.append(outcome)
        return pages

    async def _fetch(
        self, folder: Path, index: int, audio: AudioReady, page_format: str
    ) -> tuple[Path, float | None]:
        for each in audio.renditions:
            if each.format == page_format:
                path = folder / f"{index:05d}.{page_format}"
                await self.storage.fetch(each.object.key, path)
                return path, audio.loudness_lufs
        raise Permanent(f"page {audio.page} was not made as {page_format}")


def chapters_of(asked: AudiobookRequested) -> list[tuple[str, int]]:
    """Place the document's chapters on the pages that the book has.

    A chapter whose first page is left out begins with the next page that is in, if that is still
    its own.
    """
    chapters: list[tuple[str, int]] = []
    for number, chapter in enumerate(asked.chapters):
        later = [each.first_page for each in asked.chapters[number + 1 :]]
        end = next((each for each in later if each > chapter.first_page), None)
        for index, page in enumerate(asked.first_pages):
            if page >= chapter.first_page:
                if end is None or page < end:
                    chapters.append((chapter.title, index))
                break
    return chapters


def tags_of(asked: AudiobookRequested) -> Tags:
    """Return what the file says about itself."""
    return Tags(
        title=asked.title,
        author=asked.author or "",
        album=asked.title,
        language=asked.language,
    )


def bind_gave_up(payload: BindJob, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audiobook."""
    return book_gave_up(payload.request, error)


def erase_gave_up(payload: EraseJob, error: LecternError) -> Sequence[Effect]:
    """Nothing more than ``task.failed``, which operators see."""
    return []
