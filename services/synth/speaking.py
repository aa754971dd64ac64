"""The job that speaks one page.

Its utterances are spoken in parallel, each at most once ever: the segment cache is the progress of
the job, so a job that is run again goes on at the sentence where its earlier self stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from libs.common.effects import Effect
from libs.common.errors import LecternError, Permanent
from libs.common.events import (
    AudioProgressed,
    AudioReady,
    AudioRequested,
    ObjectRef,
    PageFormat,
    Rendition,
)
from libs.common.pool import CpuPool
from libs.common.storage import Storage, read_verified
from libs.common.utterances import SegmentedPage
from libs.common.worker import Job
from services.synth.assembly import Assembled, assemble_page
from services.synth.audio.codecs import FORMATS
from services.synth.audio.tags import Tags
from services.synth.handlers import SpeakJob, speech_gave_up
from services.synth.orchestra import Orchestra
from services.synth.speech import segment_key
from services.synth.takes import Part, Take, Taker, Tally

MEDIA_TYPES: dict[str, str] = {
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
}
PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True)
class Speaker:
    """Speaks pages."""

    storage: Storage
    orchestra: Orchestra
    taker: Taker
    pool: CpuPool
    tally: Tally
    follow_language: bool = True
    progress_every_s: float = PROGRESS_EVERY_S

    async def speak(self, job: Job[SpeakJob]) -> Sequence[Effect]:
        """Speak one page. Raises Permanent when any utterance of it cannot be spoken."""
        asked = job.payload.request
        page = SegmentedPage.model_validate_json(await read_verified(self.storage, asked.segments))
        progress = _Progress(job, len(page.utterances), self.progress_every_s)
        codecs = [FORMATS[each].name for each in asked.formats]
        takes = await self.taker.take(await self._parts(asked, page), codecs, progress.more)
        with TemporaryDirectory(prefix="lectern-synth-") as folder:
            assembled = await self._assemble(Path(folder), asked, page, takes)
            ready = await self._store(Path(folder), asked, page, takes, assembled)
        self.tally.finished(ready.duration_ms / 1000)
        return [ready]

    async def _parts(self, asked: AudioRequested, page: SegmentedPage) -> list[Part]:
        """Name what is to be spoken, and how."""
        fingerprint = self.orchestra.player(asked.engine).info.fingerprint
        voices = {each.language: self._voice(asked, each.language) for each in page.utterances}
        sounds = {
            voice: await self.orchestra.sound(asked.engine, voice, asked.rate)
            for voice in dict.fromkeys(voices.values())
        }
        return [
            Part(
                number,
                segment_key(fingerprint, voices[each.language], asked.rate, each.text),
                sounds[voices[each.language]],
                each.text,
            )
            for number, each in enumerate(page.utterances)
        ]

    def _voice(self, asked: AudioRequested, language: str) -> str:
        if not self.follow_language:
            return asked.voice
        return self.orchestra.voice_for(asked.engine, asked.voice, language)

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
    """Announces how far a page is, now and then: most are done before that is worth an event."""

    def __init__(self, job: Job[SpeakJob], total: int, every_s: float) -> None:
        self._job = job
        self._total = total
        self._every_s = every_s
        self._done = 0
        self._last = monotonic()

    async def more(self, count: int) -> None:
        """Note that so many more utterances are there."""
        self._done += count
        now = monotonic()
        if not 0 < self._done < self._total or now - self._last < self._every_s:
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
    return speech_gave_up(payload.request, error)
