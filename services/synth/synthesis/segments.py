"""The segments of a page: each utterance spoken once, as far as segments of its engine are kept.

What was spoken before is in the segment cache. What is being spoken for another page of this
process is waited for. The rest is spoken in batches, as many utterances in one task as take about
a quarter of a second; those of engines that are paid for one by one. What was spoken is kept every
few seconds, and at the end of the page, however it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.runtime.pool import CpuPool
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.synthesis import engine_worker
from services.synth.synthesis.batches import MissingSegment, SegmentRequest, batches
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place
from services.synth.synthesis.cache.pack_writer import FLUSH_EVERY_S, PackWriter, packing
from services.synth.synthesis.cache.segment_cache import NothingKept, SegmentCache
from services.synth.synthesis.registry import EngineRegistry
from services.synth.synthesis.synthesis_metrics import SynthesisMetrics

OnProgress = Callable[[int], Awaitable[None]]
"""Is told how many more utterances are there."""


@dataclass(frozen=True)
class SpokenSegment:
    """One utterance, spoken: its segment file by codec."""

    files: Mapping[CodecName, bytes]
    cached: bool


Claims = dict[str, asyncio.Future[SpokenSegment | None]]
"""The segments that one page makes and others wait for, by key; None if they came to nothing."""


@dataclass(frozen=True, kw_only=True)
class PageInProgress:
    """What is known of a page while it is spoken: ``spoken`` by index, ``claims`` still held."""

    codecs: Sequence[CodecName]
    cache: SegmentCache
    writer: PackWriter
    on_progress: OnProgress
    spoken: dict[int, SpokenSegment] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SegmentSynthesizer:
    """Speaks utterances; one of them for all pages of a process."""

    registry: EngineRegistry
    cache: SegmentCache
    pool: CpuPool
    synthesis_metrics: SynthesisMetrics
    flush_every_s: float = FLUSH_EVERY_S
    _claims: Claims = field(default_factory=dict)
    _batch_limits: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def synthesize(
        self,
        document_id: UUID,
        requests: Sequence[SegmentRequest],
        codecs: Sequence[CodecName],
        on_progress: OnProgress,
    ) -> list[SpokenSegment]:
        """Return the segments of ``requests``, in their order; those of a page have one engine.

        They are kept with the document.

        Raises:
            Permanent: One of them cannot be spoken; so do the errors of engines and storage.
        """
        kept = all(self.registry.keeps_segments(request.settings.engine) for request in requests)
        cache = self.cache if kept else NothingKept()
        async with packing(cache, document_id, self.flush_every_s) as writer:
            page = PageInProgress(
                codecs=codecs, cache=cache, writer=writer, on_progress=on_progress
            )
            left = list(requests)
            while left:
                mine, others = self._claim(page, left)
                try:
                    await self._synthesize_claimed(page, mine)
                finally:
                    self._release(page, mine)
                await self._take_over(page, others)
                left = [request for request in left if request.index not in page.spoken]
        return [page.spoken[request.index] for request in requests]

    def _claim(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> tuple[list[SegmentRequest], dict[int, asyncio.Future[SpokenSegment | None]]]:
        """Claim what nobody makes yet; return that, and by index what to wait for."""
        mine = list[SegmentRequest]()
        others = dict[int, asyncio.Future[SpokenSegment | None]]()
        for request in requests:
            if request.segment in self._claims:
                others[request.index] = self._claims[request.segment]
            else:
                claim = asyncio.get_running_loop().create_future()
                self._claims[request.segment] = page.claims[request.segment] = claim
                mine.append(request)
        return mine, others

    def _release(self, page: PageInProgress, requests: Sequence[SegmentRequest]) -> None:
        """Release what is still claimed: what was released before may be another page's by now."""
        for request in requests:
            if (done := page.claims.pop(request.segment, None)) is not None:
                del self._claims[request.segment]
                done.set_result(page.spoken.get(request.index))

    async def _take_over(
        self, page: PageInProgress, others: Mapping[int, asyncio.Future[SpokenSegment | None]]
    ) -> None:
        """Wait for what others make, and take what is in all formats of this page."""
        if not others:
            return
        await asyncio.wait(set(others.values()))
        made = {index: claim.result() for index, claim in others.items()}
        taken = {
            index: SpokenSegment(segment.files, cached=True)
            for index, segment in made.items()
            if segment is not None and segment.files.keys() >= set(page.codecs)
        }
        page.spoken.update(taken)
        self.synthesis_metrics.segments_cached(len(taken))
        if taken:
            await page.on_progress(len(taken))

    async def _synthesize_claimed(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> None:
        missing = await self._look_up(page, requests)
        found = [request for request in requests if request.index in page.spoken]
        self._release(page, found)
        await page.on_progress(len(found))
        failures: list[Exception] = []

        async def run(batch: Sequence[MissingSegment]) -> None:
            async with self._batch_limit(batch[0].request.settings.engine):
                if failures:
                    return
                try:
                    await self._run_batch(page, batch)
                except Exception as error:  # what is being spoken elsewhere is kept first
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for batch in batches(missing, self.pool.workers, self._keeps_lossless):
                group.create_task(run(batch))
        if failures:
            raise failures[0]  # its type decides what happens next

    def _batch_limit(self, engine: str) -> asyncio.Semaphore:
        """Let no more batches into the pool than keep it busy, the first page's first.

        Whatever else has to be done there, as putting a page together, waits for one batch and not
        for all those of the next pages.
        """
        if engine not in self._batch_limits:
            workers = self.registry.engine(engine).pool.workers
            self._batch_limits[engine] = asyncio.Semaphore(workers + 1)
        return self._batch_limits[engine]

    async def _look_up(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> list[MissingSegment]:
        """Find in the cache what is there, and name what is not."""
        places = [request.place(codec) for request in requests for codec in page.codecs]
        found = await page.cache.find(places)
        missing: list[tuple[SegmentRequest, dict[CodecName, bytes]]] = []
        for request in requests:
            files = {
                codec: found[request.place(codec)]
                for codec in page.codecs
                if request.place(codec) in found
            }
            if len(files) < len(page.codecs):
                missing.append((request, files))
            else:
                page.spoken[request.index] = SpokenSegment(files, cached=True)
        self.synthesis_metrics.segments_cached(len(requests) - len(missing))
        lossless = await page.cache.find(
            [
                lossless_place(request.segment)
                for request, _ in missing
                if self._keeps_lossless(request)
            ]
        )
        return [
            MissingSegment(
                request,
                files,
                tuple(codec for codec in page.codecs if codec not in files),
                lossless.get(lossless_place(request.segment)),
            )
            for request, files in missing
        ]

    def _keeps_lossless(self, request: SegmentRequest) -> bool:
        return self.registry.engine(request.settings.engine).keep_lossless

    async def _run_batch(self, page: PageInProgress, batch: Sequence[MissingSegment]) -> None:
        """Speak a batch, or encode again what was spoken before in another format."""
        left = list(batch)
        while left:
            made, was_spoken = await self._make(left)
            done, left = left[: len(made)], left[len(made) :]
            for segment, files in zip(done, made, strict=True):
                request = segment.request
                page.spoken[request.index] = SpokenSegment(
                    {**segment.files, **files.encoded}, cached=not was_spoken
                )
                if was_spoken:
                    self.synthesis_metrics.segment_spoken(
                        request.settings.engine, len(request.text)
                    )
            self._release(page, [segment.request for segment in done])
            await page.writer.add(_files_to_keep(done, made))
            await page.on_progress(len(done))

    async def _make(self, batch: Sequence[MissingSegment]) -> tuple[Sequence[SegmentFiles], bool]:
        """Return what could be made of the beginning of a batch, and whether it was spoken."""
        request, codecs, lossless = batch[0].request, batch[0].codecs, batch[0].lossless
        if lossless is not None:
            gain_db = request.settings.gain_db
            again = await self.pool.run(engine_worker.encode_again, lossless, gain_db, codecs)
            return [again], False
        texts = [segment.request.text for segment in batch]
        return await self.registry.speak(request.settings, texts, codecs), True


def _files_to_keep(
    segments: Sequence[MissingSegment], made: Sequence[SegmentFiles]
) -> dict[SegmentPlace, bytes]:
    """Return what there is now of ``segments`` and was not kept before."""
    kept: dict[SegmentPlace, bytes] = {}
    for segment, files in zip(segments, made, strict=True):
        kept |= {segment.request.place(codec): file for codec, file in files.encoded.items()}
        if files.lossless is not None and segment.lossless is None:
            kept[lossless_place(segment.request.segment)] = files.lossless
    return kept
