"""Takes: the utterances of a page, each spoken at most once ever.

What was spoken before is in the segment cache. What is being spoken for another page of this
process is waited for. The rest is spoken in batches, as many utterances in one task as take about
a quarter of a second; those of engines that are paid for one by one, and kept the moment they are
there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from libs.common.pool import CpuPool
from services.synth import studio
from services.synth.audio.codecs import CodecName
from services.synth.audio.produced import Produced
from services.synth.orchestra import Orchestra, Sound
from services.synth.segment_cache import Place, SegmentCache

BATCH_UTTERANCES = 12
BATCH_CHARACTERS = 1000

Note = Callable[[int], Awaitable[None]]
"""Is told how many more utterances are there."""

Held = dict[str, asyncio.Future[None]]
"""What one page keeps others from taking: by segment, what they wait for."""


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
class Part:
    """An utterance to be taken. ``segment`` names what is spoken: see ``speech.segment_key``."""

    number: int
    segment: str
    sound: Sound
    text: str

    def place(self, codec: CodecName) -> Place:
        """Where the cache has it."""
        return Place(self.segment, self.sound.gain_db, codec)


@dataclass(frozen=True)
class Take:
    """One utterance, spoken: its segment file by codec."""

    files: Mapping[CodecName, bytes]
    cached: bool


@dataclass(frozen=True)
class Missing:
    """A part, what there is of it, and the codecs that it lacks."""

    part: Part
    files: Mapping[CodecName, bytes]
    codecs: tuple[CodecName, ...]


@dataclass(frozen=True)
class Taker:
    """Takes utterances; one of them for all pages of a process."""

    orchestra: Orchestra
    cache: SegmentCache
    pool: CpuPool
    tally: Tally
    _underway: Held = field(default_factory=dict)
    _turns: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def take(
        self, parts: Sequence[Part], codecs: Sequence[CodecName], note: Note
    ) -> list[Take]:
        """Return the takes of ``parts``, in their order.

        Raises:
            Permanent: One of them cannot be spoken; so do the errors of engines and storage.
        """
        takes: dict[int, Take] = {}
        left = list(parts)
        while left:
            mine, held, others = self._hold(left)
            try:
                takes |= await self._take_held(mine, held, codecs, note)
            finally:
                self._release(held, mine)
            if others:  # then they are in the cache, or ours to speak
                await asyncio.wait(others)
            left = [each for each in left if each.number not in takes]
        return [takes[each.number] for each in parts]

    def _hold(self, parts: Sequence[Part]) -> tuple[list[Part], Held, set[asyncio.Future[None]]]:
        """Keep others from taking what nobody takes yet; return that, and whom to wait for."""
        mine, held = list[Part](), Held()
        others: set[asyncio.Future[None]] = set()
        for each in parts:
            if each.segment in self._underway:
                others.add(self._underway[each.segment])
            else:
                held[each.segment] = asyncio.get_running_loop().create_future()
                self._underway[each.segment] = held[each.segment]
                mine.append(each)
        return mine, held, others

    def _release(self, held: Held, parts: Sequence[Part]) -> None:
        """Let go of what is still held: what was let go of before may be held by another page."""
        for each in parts:
            if (done := held.pop(each.segment, None)) is not None:
                del self._underway[each.segment]
                done.set_result(None)

    async def _take_held(
        self, parts: Sequence[Part], held: Held, codecs: Sequence[CodecName], note: Note
    ) -> dict[int, Take]:
        takes, missing = await self._look_up(parts, codecs)
        self._release(held, [each for each in parts if each.number in takes])
        await note(len(takes))
        failures: list[Exception] = []

        async def make(batch: Sequence[Missing]) -> None:
            async with self._turn(batch[0].part.sound.engine):
                if failures:
                    return
                try:
                    await self._make(batch, held, takes, note)
                except Exception as error:  # what is being spoken elsewhere is kept first
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for batch in self._batches(missing):
                group.create_task(make(batch))
        if failures:
            raise failures[0]  # its type decides what happens next
        return takes

    def _turn(self, engine: str) -> asyncio.Semaphore:
        """Let no more batches into the pool than keep it busy, the first page's first.

        Whatever else has to be done there, as putting a page together, waits for one batch and not
        for all those of the next pages.
        """
        if engine not in self._turns:
            workers = self.orchestra.player(engine).pool.workers
            self._turns[engine] = asyncio.Semaphore(workers + 1)
        return self._turns[engine]

    async def _look_up(
        self, parts: Sequence[Part], codecs: Sequence[CodecName]
    ) -> tuple[dict[int, Take], list[Missing]]:
        """Find in the cache what is there, and name what is not."""
        found = await self.cache.find([each.place(codec) for each in parts for codec in codecs])
        takes: dict[int, Take] = {}
        missing: list[Missing] = []
        for each in parts:
            places = {codec: each.place(codec) for codec in codecs}
            files = {codec: found[place] for codec, place in places.items() if place in found}
            lacking = tuple(codec for codec in codecs if codec not in files)
            if lacking:
                missing.append(Missing(each, files, lacking))
            else:
                takes[each.number] = Take(files, cached=True)
                self.tally.cached()
        return takes, missing

    def _batches(self, missing: Sequence[Missing]) -> Iterator[list[Missing]]:
        """Cut into batches that sound alike, enough of them to keep all workers busy."""
        longest = min(BATCH_UTTERANCES, -(-len(missing) // self.pool.workers))
        batch: list[Missing] = []
        characters = 0
        for each in missing:
            if batch and (
                len(batch) >= longest
                or characters + len(each.part.text) > BATCH_CHARACTERS
                or (each.part.sound, each.codecs) != (batch[0].part.sound, batch[0].codecs)
                or self._is_paid(each)
            ):
                yield batch
                batch, characters = [], 0
            batch.append(each)
            characters += len(each.part.text)
        if batch:
            yield batch

    def _is_paid(self, missing: Missing) -> bool:
        return self.orchestra.player(missing.part.sound.engine).keep_lossless

    async def _make(
        self, batch: Sequence[Missing], held: Held, takes: dict[int, Take], note: Note
    ) -> None:
        """Speak and keep a batch, or make it of what was spoken before in another format."""
        left = list(batch)
        while left:
            produced, spoken = await self._produce(left)
            made, left = left[: len(produced)], left[len(produced) :]
            await self._keep(made, produced)
            for missing, sound in zip(made, produced, strict=True):
                if spoken:
                    self.tally.spoken(missing.part.sound.engine, len(missing.part.text))
                files = {**missing.files, **sound.encoded}
                takes[missing.part.number] = Take(files, cached=not spoken)
            self._release(held, [each.part for each in made])
            await note(len(made))

    async def _produce(self, batch: Sequence[Missing]) -> tuple[Sequence[Produced], bool]:
        """Return what could be made of the beginning of a batch, and whether it was spoken."""
        part, codecs = batch[0].part, batch[0].codecs
        if self._is_paid(batch[0]):
            lossless = await self.cache.lossless(part.segment)
            if lossless is not None:
                gain_db = part.sound.gain_db
                again = await self.pool.run(studio.encode_again, lossless, gain_db, codecs)
                return [again], False
        texts = [each.part.text for each in batch]
        return await self.orchestra.speak(part.sound, texts, codecs), True

    async def _keep(self, made: Sequence[Missing], produced: Sequence[Produced]) -> None:
        for each, sound in zip(made, produced, strict=True):
            if sound.lossless is not None:
                await self.cache.keep_lossless(each.part.segment, sound.lossless)
        await self.cache.keep(
            {
                each.part.place(codec): file
                for each, sound in zip(made, produced, strict=True)
                for codec, file in sound.encoded.items()
            }
        )
