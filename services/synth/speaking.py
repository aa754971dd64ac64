"""The job that speaks one page.

Its utterances are spoken in parallel, each at most once ever: the segment cache is the progress of
the job, so a job that is run again goes on at the sentence where its earlier self stopped.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Protocol
from weakref import WeakValueDictionary

from libs.common.effects import Effect
from libs.common.errors import LecternError, Permanent
from libs.common.events import (
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    ObjectRef,
    PageFormat,
    Rendition,
)
from libs.common.pool import CpuPool
from libs.common.storage import Storage, read_verified
from libs.common.utterances import SegmentedPage, Utterance
from libs.common.worker import Job
from services.synth import studio
from services.synth.assembly import Assembled, assemble_page
from services.synth.audio.codecs import FORMATS, CodecName
from services.synth.audio.tags import Tags
from services.synth.handlers import SpeakJob
from services.synth.orchestra import Orchestra, Sound
from services.synth.segment_cache import SegmentCache
from services.synth.speech import segment_key

MEDIA_TYPES: dict[str, str] = {
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
}
PROGRESS_EVERY_S = 1.0
SEGMENTS_AT_ONCE = 16


class Tally(Protocol):
    """Counts what was spoken, for the operators."""

    def spoken(self, engine: str, characters: int) -> None:
        """An utterance was spoken."""
        ...

    def cached(self) -> None:
        """An utterance had been spoken before."""
        ...

    def finished(self, seconds: float) -> None:
        """A page of so many seconds is ready."""
        ...


@dataclass(frozen=True)
class Take:
    """One utterance, spoken: its segment file by codec."""

    files: dict[CodecName, bytes]
    cached: bool


@dataclass(frozen=True)
class Speaker:
    """Speaks pages."""

    storage: Storage
    orchestra: Orchestra
    cache: SegmentCache
    pool: CpuPool
    tally: Tally
    follow_language: bool = True
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def speak(self, job: Job[SpeakJob]) -> Sequence[Effect]:
        """Speak one page. Raises Permanent when any utterance of it cannot be spoken."""
        asked = job.payload.request
        page = SegmentedPage.model_validate_json(await read_verified(self.storage, asked.segments))
        takes = await self._all_takes(job, page)
        with TemporaryDirectory(prefix="lectern-synth-") as folder:
            assembled = await self._assemble(Path(folder), asked, page, takes)
            ready = await self._store(Path(folder), asked, page, takes, assembled)
        self.tally.finished(ready.duration_ms / 1000)
        return [ready]

    async def _all_takes(self, job: Job[SpeakJob], page: SegmentedPage) -> list[Take]:
        asked = job.payload.request
        codecs = [FORMATS[each].name for each in asked.formats]
        progress = _Progress(job, len(page.utterances))
        at_once = asyncio.Semaphore(SEGMENTS_AT_ONCE)

        async def one(utterance: Utterance) -> Take:
            async with at_once:
                taken = await self._take(asked, utterance, codecs)
            await progress.one_more()
            return taken

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(each)) for each in page.utterances]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # its type decides what happens next
        return [each.result() for each in tasks]

    async def _take(
        self, asked: AudioRequested, utterance: Utterance, codecs: Sequence[CodecName]
    ) -> Take:
        voice = asked.voice
        if self.follow_language:
            voice = self.orchestra.voice_for(asked.engine, voice, utterance.language)
        sound = await self.orchestra.sound(asked.engine, voice, asked.rate)
        fingerprint = self.orchestra.player(asked.engine).info.fingerprint
        segment = segment_key(fingerprint, voice, asked.rate, utterance.text)
        async with self._locks.setdefault(segment, asyncio.Lock()):
            files = await self._cached(segment, sound, codecs)
            missing = [each for each in codecs if each not in files]
            if not missing:
                self.tally.cached()
                return Take(files, cached=True)
            made, spoken = await self._make(segment, sound, utterance.text, missing)
        if spoken:
            self.tally.spoken(asked.engine, len(utterance.text))
        return Take(files | made, cached=not spoken)

    async def _cached(
        self, segment: str, sound: Sound, codecs: Sequence[CodecName]
    ) -> dict[CodecName, bytes]:
        found = {each: await self.cache.encoded(segment, sound.gain_db, each) for each in codecs}
        return {codec: file for codec, file in found.items() if file is not None}

    async def _make(
        self, segment: str, sound: Sound, text: str, codecs: Sequence[CodecName]
    ) -> tuple[dict[CodecName, bytes], bool]:
        """Return new segment files, and whether the text had to be spoken for them."""
        lossless = None
        if self.orchestra.player(sound.engine).keep_lossless:
            lossless = await self.cache.lossless(segment)
        if lossless is not None:
            produced = await self.pool.run(
                studio.encode_again, lossless, sound.gain_db, tuple(codecs)
            )
        else:
            produced = await self.orchestra.speak(sound, text, codecs)
            if produced.lossless is not None:
                await self.cache.keep_lossless(segment, produced.lossless)
        for codec, file in produced.encoded.items():
            await self.cache.keep_encoded(segment, sound.gain_db, codec, file)
        return produced.encoded, lossless is None

    async def _assemble(
        self, folder: Path, asked: AudioRequested, page: SegmentedPage, takes: Sequence[Take]
    ) -> Assembled:
        segments: dict[PageFormat, list[bytes]] = {
            each: [take.files[FORMATS[each].name] for take in takes] for each in asked.formats
        }
        tags = Tags(
            title=asked.title or f"Page {asked.page}",
            language=page.language,
            track=str(asked.page),
        )
        return await self.pool.run(assemble_page, folder, page.utterances, segments, tags)

    async def _store(
        self,
        folder: Path,
        asked: AudioRequested,
        page: SegmentedPage,
        takes: Sequence[Take],
        assembled: Assembled,
    ) -> AudioReady:
        if page.characters != asked.characters or len(takes) != len(page.utterances):
            raise Permanent("the page does not hold the characters that were asked for")
        prefix = f"audio/{asked.document_id}/{asked.audio_id}"
        renditions = [
            Rendition(format=each, object=await self._store_page(prefix, folder, each))
            for each in asked.formats
        ]
        json = "application/json"
        return AudioReady(
            document_id=asked.document_id,
            audio_id=asked.audio_id,
            page=asked.page,
            revision=asked.revision,
            engine=asked.engine,
            voice=asked.voice,
            rate=asked.rate,
            renditions=tuple(renditions),
            timings=await self.storage.write(f"{prefix}/timings.json", assembled.timings, json),
            captions=await self.storage.write(
                f"{prefix}/captions.vtt", assembled.captions, "text/vtt; charset=utf-8"
            ),
            duration_ms=assembled.duration_ms,
            characters_asked=asked.characters,
            characters_spoken=page.characters,
            segments_cached=sum(take.cached for take in takes),
            loudness_lufs=assembled.loudness_lufs,
        )

    async def _store_page(self, prefix: str, folder: Path, page_format: PageFormat) -> ObjectRef:
        return await self.storage.write_file(
            f"{prefix}/page.{page_format}",
            folder / f"page.{page_format}",
            MEDIA_TYPES[page_format],
        )


class _Progress:
    """Announces the first utterance at once, then one announcement a second at most."""

    def __init__(self, job: Job[SpeakJob], total: int) -> None:
        self._job = job
        self._total = total
        self._done = 0
        self._last = -PROGRESS_EVERY_S

    async def one_more(self) -> None:
        self._done += 1
        now = monotonic()
        if self._done == self._total or now - self._last < PROGRESS_EVERY_S:
            return
        self._last = now
        asked = self._job.payload.request
        await self._job.record(
            [
                AudioProgressed(
                    document_id=asked.document_id,
                    audio_id=asked.audio_id,
                    page=asked.page,
                    done=self._done,
                    total=self._total,
                )
            ]
        )


def speak_gave_up(payload: SpeakJob, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audio."""
    asked = payload.request
    return [
        AudioFailed(
            document_id=asked.document_id,
            audio_id=asked.audio_id,
            page=asked.page,
            code=error.code,
            reason=str(error),
        )
    ]
