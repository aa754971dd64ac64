"""The job that speaks one page.

Its utterances are spoken in parallel. Where segments of the engine are kept, the segment cache is
the progress of the job: one that is run again resumes at the sentence where it stopped.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from libs.common.contracts.audio import AudioProgressed, AudioReady, AudioRequested, Rendition
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.formats import CAPTIONS, MEDIA_TYPES, TIMINGS, PageFormat
from libs.common.contracts.speech.utterances import SegmentedPage
from libs.common.errors import Permanent
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.work_folders import work_folder
from services.synth.audio.assembly import AssembledPage, assemble_page
from services.synth.audio.codecs.codec import CODEC_OF_FORMAT
from services.synth.audio.containers.tags import Tags
from services.synth.audio.segment_queue import write_segments
from services.synth.synthesis.batches import SegmentRequest
from services.synth.synthesis.cache.digests import segment_key
from services.synth.synthesis.cache.owner_salts import OwnerSalts
from services.synth.synthesis.claims import SpokenSegment
from services.synth.synthesis.registry import EngineRegistry
from services.synth.synthesis.segments import SegmentSynthesizer
from services.synth.synthesis.synthesis_metrics import SynthesisMetrics

PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Speaks pages."""

    storage: Storage
    registry: EngineRegistry
    salts: OwnerSalts
    synthesizer: SegmentSynthesizer
    pool: CpuPool
    synthesis_metrics: SynthesisMetrics
    follow_language: bool = True
    progress_every_s: float = PROGRESS_EVERY_S

    async def speak(self, job: Job[AudioRequested]) -> Sequence[Effect]:
        """Speak one page. Raises Permanent when any utterance of it cannot be spoken."""
        asked = job.payload
        page = await read_details(self.storage, asked.segmented_page, SegmentedPage)
        progress = _Progress(job, len(page.utterances), self.progress_every_s)
        codecs = [CODEC_OF_FORMAT[page_format].name for page_format in asked.formats]
        segments = await self.synthesizer.synthesize(
            asked.document_id, await self._requests(asked, page), codecs, progress.add
        )
        with work_folder() as folder:
            assembled = await self._assemble(folder, asked, page, segments)
            ready = await self._store(folder, asked, page, segments, assembled)
        self.synthesis_metrics.page_finished(ready.duration_ms / 1000)
        return [ready]

    async def _requests(self, asked: AudioRequested, page: SegmentedPage) -> list[SegmentRequest]:
        """Name what is to be spoken, and how."""
        salt = await self.salts.salt_of(asked.owner_id)
        fingerprint = self.registry.engine(asked.engine).info.fingerprint
        languages = {utterance.language for utterance in page.utterances}
        voices = {language: self._voice(asked, language) for language in sorted(languages)}
        settings = {
            voice: await self.registry.voice_settings(asked.engine, voice, asked.rate)
            for voice in dict.fromkeys(voices.values())
        }
        return [
            SegmentRequest(
                index=index,
                segment=segment_key(
                    salt, fingerprint, voices[utterance.language], asked.rate, utterance.text
                ),
                settings=settings[voices[utterance.language]],
                text=utterance.text,
            )
            for index, utterance in enumerate(page.utterances)
        ]

    def _voice(self, asked: AudioRequested, language: str) -> str:
        if not self.follow_language:
            return asked.voice
        return self.registry.voice_for(asked.engine, asked.voice, language)

    async def _assemble(
        self,
        folder: Path,
        asked: AudioRequested,
        page: SegmentedPage,
        segments: Sequence[SpokenSegment],
    ) -> AssembledPage:
        queues: dict[PageFormat, Path] = {}
        for page_format in asked.formats:
            codec = CODEC_OF_FORMAT[page_format].name
            queues[page_format] = folder / f"segments.{page_format}"
            files = (segment.files[codec] for segment in segments)
            await asyncio.to_thread(write_segments, queues[page_format], files)
        tags = Tags(
            title=page.title or f"Page {asked.page}",
            language=page.language,
            track=str(asked.page),
            nonce=page.nonce,
        )
        return await self.pool.run(assemble_page, folder, page.utterances, queues, tags)

    async def _store(
        self,
        folder: Path,
        asked: AudioRequested,
        page: SegmentedPage,
        segments: Sequence[SpokenSegment],
        assembled: AssembledPage,
    ) -> AudioReady:
        if page.characters != asked.characters or len(segments) != len(page.utterances):
            raise Permanent("the page does not hold the characters that were asked for")
        prefix = f"audio/{asked.document_id}/{asked.audio_id}"
        renditions = [
            Rendition(
                format=page_format, object=await self._store_page(prefix, folder, page_format)
            )
            for page_format in asked.formats
        ]
        return AudioReady(
            document_id=asked.document_id,
            owner_id=asked.owner_id,
            requested_by=asked.requested_by,
            audio_id=asked.audio_id,
            page=asked.page,
            revision=asked.revision,
            engine=asked.engine,
            voice=asked.voice,
            rate=asked.rate,
            renditions=tuple(renditions),
            timings=await self.storage.write(f"{prefix}/timings.json", assembled.timings, TIMINGS),
            captions=await self.storage.write(
                f"{prefix}/captions.vtt", assembled.captions, CAPTIONS
            ),
            duration_ms=assembled.duration_ms,
            characters_asked=asked.characters,
            characters_spoken=page.characters,
            characters_cached=_characters_cached(page, segments),
            segments_cached=sum(segment.cached for segment in segments),
            loudness_lufs=assembled.loudness_lufs,
        )

    async def _store_page(self, prefix: str, folder: Path, page_format: PageFormat) -> ObjectRef:
        return await self.storage.write_file(
            f"{prefix}/page.{page_format}",
            folder / f"page.{page_format}",
            MEDIA_TYPES[page_format],
        )


def _characters_cached(page: SegmentedPage, segments: Sequence[SpokenSegment]) -> int:
    spoken = zip(page.utterances, segments, strict=True)
    return sum(len(utterance.text) for utterance, segment in spoken if segment.cached)


class _Progress:
    """Announces how far a page is, now and then: most pages are done before the first time."""

    def __init__(self, job: Job[AudioRequested], total: int, every_s: float) -> None:
        self._job = job
        self._total = total
        self._every_s = every_s
        self._done = 0
        self._last = monotonic()

    async def add(self, count: int) -> None:
        """Count so many more utterances, and announce it when that is due."""
        self._done += count
        now = monotonic()
        if not 0 < self._done < self._total or now - self._last < self._every_s:
            return
        self._last = now
        asked = self._job.payload
        await self._job.record(
            [
                AudioProgressed(
                    document_id=asked.document_id,
                    owner_id=asked.owner_id,
                    requested_by=asked.requested_by,
                    audio_id=asked.audio_id,
                    page=asked.page,
                    done=self._done,
                    total=self._total,
                )
            ]
        )
