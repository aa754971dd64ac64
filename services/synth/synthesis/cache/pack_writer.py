"""Gathers what is spoken of a page, and keeps it in as few packs as losing little allows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from libs.common.errors import LecternError
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.cache.segment_cache import SegmentCache

log = structlog.get_logger(__name__)

FLUSH_EVERY_S = 3.0
"""A process that is killed loses what was spoken in so many seconds."""

END_WITHIN_S = 10.0


class PackWriter:
    """What was spoken of a page and is not kept yet; see :func:`packing`."""

    def __init__(self, cache: SegmentCache, document_id: UUID) -> None:
        self._cache = cache
        self._document_id = document_id
        self._files: dict[SegmentPlace, bytes] = {}
        self._flushing = asyncio.Lock()
        self._failure: LecternError | None = None
        self._ended = asyncio.Event()

    async def add(self, files: Mapping[SegmentPlace, bytes]) -> None:
        """Take segment files; waits while others are being kept.

        Raises:
            LecternError: What was added cannot be kept now: nothing more should be spoken.
        """
        async with self._flushing:
            self._files.update(files)
            if self._failure:
                raise self._failure

    async def flush(self) -> None:
        """Keep what there is, the lossless files last: they are read apart from the others."""
        async with self._flushing:
            files = sorted(self._files.items(), key=lambda item: item[0].codec == "flac")
            await self._cache.keep(self._document_id, dict(files))
            self._files.clear()

    async def flush_every(self, seconds: float) -> None:
        """Flush until :meth:`end` is called, or until it fails: :meth:`add` raises that then."""
        try:
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), seconds)
                await self.flush()
        except LecternError as error:
            self._failure = error

    def end(self) -> None:
        """Have :meth:`flush_every` flush for the last time."""
        self._ended.set()


@asynccontextmanager
async def packing(
    cache: SegmentCache, document_id: UUID, every_s: float = FLUSH_EVERY_S
) -> AsyncIterator[PackWriter]:
    """Keep what is added to a writer: every few seconds, and at the end, however it ends.

    That it cannot be kept at the end is no reason to lose a page that was spoken.
    """
    writer = PackWriter(cache, document_id)
    flushing = asyncio.create_task(writer.flush_every(every_s))
    try:
        yield writer
    finally:
        writer.end()
        try:
            async with asyncio.timeout(END_WITHIN_S):
                await flushing
                await writer.flush()  # if an earlier one failed
        except (LecternError, TimeoutError) as error:
            log.warning("segments could not be kept", error=str(error))
