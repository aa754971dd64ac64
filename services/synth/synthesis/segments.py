"""The segments of a page: each utterance spoken at most once ever.

What was spoken before is in the segment cache. What is being spoken for another page of this
process is waited for. The rest is spoken in batches, as many utterances in one task as take about
a quarter of a second; those of engines that are paid for one by one, and kept as soon as they are
there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from libs.common.runtime.pool import CpuPool
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.synthesis import engine_worker
from services.synth.synthesis.cache import SegmentCache, SegmentPlace
from services.synth.synthesis.registry import EngineRegistry, VoiceSettings
from services.synth.synthesis.synthesis_metrics import SynthesisMetrics

BATCH_UTTERANCES = 12
BATCH_CHARACTERS = 1000

OnProgress = Callable[[int], Awaitable[None]]
"""Is told how many more utterances are there."""

Claims = dict[str, asyncio.Future[None]]
"""The segments that one page makes and others wait for: by key, what they wait for."""


@dataclass(frozen=True, kw_only=True)
class SegmentRequest:
    """An utterance to be spoken; ``segment`` is its :func:`segment_key`."""

    index: int
    segment: str
    settings: VoiceSettings
    text: str

    def place(self, codec: CodecName) -> SegmentPlace:
        """Where the cache has it."""
        return SegmentPlace(self.segment, self.settings.gain_db, codec)


@dataclass(frozen=True)
class SpokenSegment:
    """One utterance, spoken: its segment file by codec."""

    files: Mapping[CodecName, bytes]
    cached: bool


@dataclass(frozen=True)
class MissingSegment:
    """A request, what there is of it, and the codecs that it lacks."""

    request: SegmentRequest
    files: Mapping[CodecName, bytes]
    codecs: tuple[CodecName, ...]


@dataclass(frozen=True, kw_only=True)
class SegmentSynthesizer:
    """Speaks utterances; one of them for all pages of a process."""

    registry: EngineRegistry
    cache: SegmentCache
    pool: CpuPool
    synthesis_metrics: SynthesisMetrics
    _claims: Claims = field(default_factory=dict)
    _batch_limits: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def synthesize(
        self,
        requests: Sequence[SegmentRequest],
        codecs: Sequence[CodecName],
        on_progress: OnProgress,
    ) -> list[SpokenSegment]:
        """Return the segments of ``requests``, in their order.

        Raises:
            Permanent: One of them cannot be spoken; so do the errors of engines and storage.
        """
        spoken: dict[int, SpokenSegment] = {}
        left = list(requests)
        while left:
            mine, claims, others = self._claim(left)
            try:
                spoken |= await self._synthesize_claimed(mine, claims, codecs, on_progress)
            finally:
                self._release(claims, mine)
            if others:  # then they are in the cache, or ours to speak
                await asyncio.wait(others)
            left = [request for request in left if request.index not in spoken]
        return [spoken[request.index] for request in requests]

    def _claim(
        self, requests: Sequence[SegmentRequest]
    ) -> tuple[list[SegmentRequest], Claims, set[asyncio.Future[None]]]:
        """Claim what no page makes yet; return that, and what to wait for of other pages."""
        mine, claims = list[SegmentRequest](), Claims()
        others: set[asyncio.Future[None]] = set()
        for request in requests:
            if request.segment in self._claims:
                others.add(self._claims[request.segment])
            else:
                claims[request.segment] = asyncio.get_running_loop().create_future()
                self._claims[request.segment] = claims[request.segment]
                mine.append(request)
        return mine, claims, others

    def _release(self, claims: Claims, requests: Sequence[SegmentRequest]) -> None:
        """Release what is still claimed: what was released before may be another page's by now."""
        for request in requests:
            if (done := claims.pop(request.segment, None)) is not None:
                del self._claims[request.segment]
                done.set_result(None)

    async def _synthesize_claimed(
        self,
        requests: Sequence[SegmentRequest],
        claims: Claims,
        codecs: Sequence[CodecName],
        on_progress: OnProgress,
    ) -> dict[int, SpokenSegment]:
        spoken, missing = await self._look_up(requests, codecs)
        self._release(claims, [request for request in requests if request.index in spoken])
        await on_progress(len(spoken))
        failures: list[Exception] = []

        async def run(batch: Sequence[MissingSegment]) -> None:
            async with self._batch_limit(batch[0].request.settings.engine):
                if failures:
                    return
                try:
                    await self._run_batch(batch, claims, spoken, on_progress)
                except Exception as error:  # what is being spoken elsewhere is kept first
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for batch in self._batches(missing):
                group.create_task(run(batch))
        if failures:
            raise failures[0]  # its type decides what happens next
        return spoken

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
        self, requests: Sequence[SegmentRequest], codecs: Sequence[CodecName]
    ) -> tuple[dict[int, SpokenSegment], list[MissingSegment]]:
        """Find in the cache what is there, and name what is not."""
        found = await self.cache.find(
            [request.place(codec) for request in requests for codec in codecs]
        )
        spoken: dict[int, SpokenSegment] = {}
        missing: list[MissingSegment] = []
        for request in requests:
            places = {codec: request.place(codec) for codec in codecs}
            files = {codec: found[place] for codec, place in places.items() if place in found}
            lacking = tuple(codec for codec in codecs if codec not in files)
            if lacking:
                missing.append(MissingSegment(request, files, lacking))
            else:
                spoken[request.index] = SpokenSegment(files, cached=True)
                self.synthesis_metrics.segment_cached()
        return spoken, missing

    def _batches(self, missing: Sequence[MissingSegment]) -> Iterator[list[MissingSegment]]:
        """Cut into batches that sound alike, enough of them to keep all workers busy."""
        longest = min(BATCH_UTTERANCES, -(-len(missing) // self.pool.workers))
        batch: list[MissingSegment] = []
        characters = 0
        for segment in missing:
            request = segment.request
            if batch and (
                len(batch) >= longest
                or characters + len(request.text) > BATCH_CHARACTERS
                or (request.settings, segment.codecs)
                != (batch[0].request.settings, batch[0].codecs)
                or self._keeps_lossless(request)
            ):
                yield batch
                batch, characters = [], 0
            batch.append(segment)
            characters += len(request.text)
        if batch:
            yield batch

    def _keeps_lossless(self, request: SegmentRequest) -> bool:
        return self.registry.engine(request.settings.engine).keep_lossless

    async def _run_batch(
        self,
        batch: Sequence[MissingSegment],
        claims: Claims,
        spoken: dict[int, SpokenSegment],
        on_progress: OnProgress,
    ) -> None:
        """Speak and keep a batch, or encode again what was spoken before in another format."""
        left = list(batch)
        while left:
            made, was_spoken = await self._make(left)
            done, left = left[: len(made)], left[len(made) :]
            await self._keep(done, made)
            for segment, files in zip(done, made, strict=True):
                request = segment.request
                if was_spoken:
                    self.synthesis_metrics.segment_spoken(
                        request.settings.engine, len(request.text)
                    )
                spoken[request.index] = SpokenSegment(
                    {**segment.files, **files.encoded}, cached=not was_spoken
                )
            self._release(claims, [segment.request for segment in done])
            await on_progress(len(done))

    async def _make(self, batch: Sequence[MissingSegment]) -> tuple[Sequence[SegmentFiles], bool]:
        """Return what could be made of the beginning of a batch, and whether it was spoken."""
        request, codecs = batch[0].request, batch[0].codecs
        if self._keeps_lossless(request):
            lossless = await self.cache.lossless(request.segment)
            if lossless is not None:
                gain_db = request.settings.gain_db
                again = await self.pool.run(engine_worker.encode_again, lossless, gain_db, codecs)
                return [again], False
        texts = [segment.request.text for segment in batch]
        return await self.registry.speak(request.settings, texts, codecs), True

    async def _keep(self, done: Sequence[MissingSegment], made: Sequence[SegmentFiles]) -> None:
        for segment, files in zip(done, made, strict=True):
            if files.lossless is not None:
                await self.cache.keep_lossless(segment.request.segment, files.lossless)
        await self.cache.keep(
            {
                segment.request.place(codec): file
                for segment, files in zip(done, made, strict=True)
                for codec, file in files.encoded.items()
            }
        )
