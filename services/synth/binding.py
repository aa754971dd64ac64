"""The job that makes an audiobook of page audios."""

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.common.contracts.audio import AudiobookReady, AudiobookRequested, AudioReady
from libs.common.contracts.details import AudiobookContents
from libs.common.contracts.formats import MEDIA_TYPES, page_format_of
from libs.common.errors import Permanent
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage, read_verified
from libs.common.store.effects import Effect
from libs.common.store.history import History
from libs.common.work_folders import work_folder
from services.synth.audio.assembly import bind_book
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.containers.tags import Tags

PAGES_AT_ONCE = 8


@dataclass(frozen=True)
class Binder:
    """Makes audiobooks. Pages lie on disk meanwhile, never in memory."""

    storage: Storage
    history: History
    pool: CpuPool

    async def bind(self, job: Job[AudiobookRequested]) -> Sequence[Effect]:
        """Make one audiobook."""
        asked = job.payload
        page_format = page_format_of(asked.format)
        contents = await read_details(self.storage, asked.details, AudiobookContents)
        ready = await self._page_audios(contents)
        cover = await read_verified(self.storage, contents.cover) if contents.cover else None
        with work_folder() as folder:
            pages = await self._fetch_all(folder, ready, page_format)
            path = folder / f"book.{asked.format}"
            book = await self.pool.run(
                bind_book,
                path,
                pages,
                asked.format,
                chapters_of(contents),
                tags_of(contents),
                cover,
            )
            stored = await self.storage.write_file(
                f"audio/{asked.document_id}/books/{asked.audiobook_id}.{asked.format}",
                path,
                MEDIA_TYPES[asked.format],
            )
        return [
            AudiobookReady(
                document_id=asked.document_id,
                owner_id=asked.owner_id,
                requested_by=asked.requested_by,
                audiobook_id=asked.audiobook_id,
                narration_id=asked.narration_id,
                format=asked.format,
                object=stored,
                details=asked.details,
                duration_ms=book.duration_ms,
                chapter_count=book.chapters,
                loudness_lufs=book.loudness_lufs,
            )
        ]

    async def _page_audios(self, contents: AudiobookContents) -> list[AudioReady]:
        streams = [AudioReady.stream_of(audio_id=page.audio_id) for page in contents.pages]
        audios = await self.history.of_many(streams, AudioReady)
        found = {audio.audio_id: audio for audio in audios}
        missing = [page for page in contents.pages if page.audio_id not in found]
        if missing:
            raise Permanent(f"{len(missing)} of the pages were never spoken here")
        return [found[page.audio_id] for page in contents.pages]

    async def _fetch_all(
        self, folder: Path, audios: Sequence[AudioReady], page_format: str
    ) -> list[PageFile]:
        """Fetch the pages of a book, several at a time: a bucket takes its time for each."""
        pages: list[PageFile] = []
        for first in range(0, len(audios), PAGES_AT_ONCE):
            some = enumerate(audios[first : first + PAGES_AT_ONCE], first)
            fetches = (self._fetch(folder, index, audio, page_format) for index, audio in some)
            # All of them are waited for: one that is still running would miss the folder.
            for outcome in await asyncio.gather(*fetches, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                pages.append(outcome)
        return pages

    async def _fetch(
        self, folder: Path, index: int, audio: AudioReady, page_format: str
    ) -> PageFile:
        for rendition in audio.renditions:
            if rendition.format == page_format:
                path = folder / f"{index:05d}.{page_format}"
                await self.storage.fetch(rendition.object.key, path)
                return PageFile(path, audio.loudness_lufs)
        raise Permanent(f"page {audio.page} was not made as {page_format}")


def chapters_of(contents: AudiobookContents) -> list[BookChapter]:
    """Place the document's chapters on the pages that the book has.

    A chapter whose first page is left out begins with the next page that is in, if that is still
    its own.
    """
    pages = [page.page for page in contents.pages]
    if pages != sorted(pages):  # in another order: each chapter names a page that is there
        place = {page: index for index, page in enumerate(pages)}
        return [
            BookChapter(chapter.title, place[chapter.first_page])
            for chapter in contents.chapters
            if chapter.first_page in place
        ]
    firsts = sorted({chapter.first_page for chapter in contents.chapters})
    chapters: list[BookChapter] = []
    for chapter in contents.chapters:
        following = bisect_right(firsts, chapter.first_page)
        end = firsts[following] if following < len(firsts) else math.inf
        index = bisect_left(pages, chapter.first_page)
        if index < len(pages) and pages[index] < end:
            chapters.append(BookChapter(chapter.title, index))
    return chapters


def tags_of(contents: AudiobookContents) -> Tags:
    """Return what the file says about itself."""
    return Tags(
        title=contents.title,
        author=contents.author or "",
        album=contents.title,
        language=contents.language,
        nonce=contents.nonce,
    )
