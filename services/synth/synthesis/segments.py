"""The segments of a page: each utterance spoken once, as far as segments of its engine are kept.

What was spoken before is in the segment cache. What is being spoken for another page of this
process is waited for, or taken from it while it is not kept yet. The rest is spoken in batches, as
many utterances in one task as take about a quarter of a second; those of engines that are paid for
one by one. What was spoken is kept every few seconds, and at the end of the page, however it ends.
A long page is spoken some hundred utterances at a time, and what there is of it lies on disk.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.processing.capacity.owner_turns import OwnerTurns
from libs.common.runtime.pool import CpuPool
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.synthesis import engine_worker
from services.synth.synthesis.batches import MissingSegment, SegmentRequest, batches
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place
from services.synth.synthesis.cache.pack_writer import FLUSH_EVERY_S, PackWriter, packing
from services.synth.synthesis.cache.segment_cache import NothingKept, SegmentCache
from services.synth.synthesis.claims import SegmentClaim, SegmentClaims, SpokenSegment
from services.synth.synthesis.registry import EngineRegistry
from services.synth.synthesis.spool import SegmentSpool
from services.synth.synthesis.synthesis_metrics import SynthesisMetrics

UTTERANCES_AT_ONCE = 240

OnProgress = Callable[[int], Awaitable[None]]
"""Is told how many more utterances are there."""


@dataclass(frozen=True, kw_only=True)
class PageInProgress:
    """What is known of a page while it is spoken: ``spoken`` by index, and its ``claims``."""

    codecs: Sequence[CodecName]
    cache: SegmentCache
    writer: PackWriter
    on_progress: OnProgress
    spool: SegmentSpool = field(default_factory=SegmentSpool)
    spoken: dict[int, SpokenSegment] = field(default_factory=dict)
    claims: dict[str, SegmentClaim] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SegmentSynthesizer:
    """Speaks utterances; one of them for all pages of a process."""

    registry: EngineRegistry
    cache: SegmentCache
    pool: CpuPool
    synthesis_metrics: SynthesisMetrics
    flush_every_s: float = FLUSH_EVERY_S
    _claims: SegmentClaims = field(default_factory=SegmentClaims)
    _batch_turns: dict[str, OwnerTurns] = field(default_factory=dict)

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
        claims: dict[str, SegmentClaim] = {}
        try:
            async with packing(cache, document_id, self.flush_every_s) as writer:
                page = PageInProgress(
                    codecs=codecs,
                    cache=cache,
                    writer=writer,
                    on_progress=on_progress,
                    claims=claims,
                )
                for first in range(0, len(requests), UTTERANCES_AT_ONCE):
                    left = list(requests[first : first + UTTERANCES_AT_ONCE])
                    while left:
                        left = await self._synthesize_some(page, left)
        finally:
            self._release(claims, list(claims))  # all of it is in the cache now
        return [page.spoken[request.index] for request in requests]

    async def _synthesize_some(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> list[SegmentRequest]:
        """Make what nobody else makes, take what others made, and return what is still missing."""
        mine, others = self._claim(page, requests)
        try:
            await self._synthesize_claimed(page, mine)
        finally:
            unmade = [request.segment for request in mine if request.index not in page.spoken]
            self._release(page.claims, unmade)
        await self._take_over(page, others)
        return [request for request in requests if request.index not in page.spoken]

    def _claim(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> tuple[list[SegmentRequest], list[tuple[SegmentRequest, SegmentClaim]]]:
        """Claim what nobody makes; return that, and the rest with the claims of others."""
        mine, others = list[SegmentRequest](), list[tuple[SegmentRequest, SegmentClaim]]()
        for request in requests:
            claim = self._claims.claim_of(request.segment)
            if claim is not None:
                others.append((request, claim))
            else:
                page.claims[request.segment] = self._claims.add(request.segment, page.writer)
                mine.append(request)
        return mine, others

    def _tell(self, page: PageInProgress, requests: Sequence[SegmentRequest]) -> None:
        """Hand what was made to those who wait; it stays claimed until it is kept."""
        for request in requests:
            page.claims[request.segment].made.set_result(page.spoken[request.index])

    def _release(self, claims: dict[str, SegmentClaim], segments: Sequence[str]) -> None:
        """Let go of claims: what comes of them is in the cache, or for another page to make."""
        for segment in segments:
            self._claims.release(segment, claims.pop(segment))

    async def _take_over(
        self, page: PageInProgress, others: Sequence[tuple[SegmentRequest, SegmentClaim]]
    ) -> None:
        """Wait for what others make, and take what is in all formats of this page.

        What lacks a format is kept and no longer claimed, so that this page makes it of that.
        """
        taken = 0
        for request, claim in others:
            await asyncio.wait([claim.made])
            segment = claim.made.result()
            if segment is None:
                continue
            if segment.files.keys() >= set(page.codecs):
                page.spoken[request.index] = SpokenSegment(segment.files, cached=True)
                taken += 1
            else:
                await claim.writer.flush()
                self._claims.forget(request.segment, claim)
        self.synthesis_metrics.segments_cached(taken)
        if taken:
            await page.on_progress(taken)

    async def _synthesize_claimed(
        self, page: PageInProgress, requests: Sequence[SegmentRequest]
    ) -> None:
        missing = await self._look_up(page, requests)
        found = [request for request in requests if request.index in page.spoken]
        self._tell(page, found)
        self._release(page.claims, [request.segment for request in found])
        await page.on_progress(len(found))
        failures: list[Exception] = []

        async def run(batch: Sequence[MissingSegment]) -> None:
            async with self._turns_of(batch[0].request.settings.engine).turn():
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

    def _turns_of(self, engine: str) -> OwnerTurns:
        """Let no more batches into the pool than keep it busy; those of an owner in their order.

        Whatever else has to be done there, as putting a page together, waits for one batch and not
        for all those of the next pages.
        """
        if engine not in self._batch_turns:
            workers = self.registry.engine(engine).pool.workers
            self._batch_turns[engine] = OwnerTurns(workers)
        return self._batch_turns[engine]

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
                page.spoken[request.index] = SpokenSegment(page.spool.add(files), cached=True)
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
                request=request,
                files=files,
                codecs=tuple(codec for codec in page.codecs if codec not in files),
                lossless=lossless.get(lossless_place(request.segment)),
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
                spooled = page.spool.add({**segment.files, **files.encoded})
                page.spoken[request.index] = SpokenSegment(spooled, cached=not was_spoken)
                if was_spoken:
                    self.synthesis_metrics.segment_spoken(
                        request.settings.engine, len(request.text)
                    )
            self._tell(page, [segment.request for segment in done])
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
