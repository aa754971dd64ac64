"""Utterances are spoken once, in batches, and nothing that was spoken is lost."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from libs.common.errors import Unavailable
from libs.common.processing.capacity.owner_turns import OWNER
from libs.common.storage.memory import MemoryStorage
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, SegmentFiles, dump
from services.synth.synthesis.batches import BATCH_CHARACTERS, BATCH_UTTERANCES, SegmentRequest
from services.synth.synthesis.cache.segment_cache import PackedSegments
from services.synth.synthesis.registry import VoiceSettings
from services.synth.synthesis.segments import SegmentSynthesizer
from services.synth.tests.scripts import CountedMetrics

DOCUMENT = UUID(int=1)
CODECS: list[CodecName] = ["aac"]
ANN = VoiceSettings(engine="scripted", voice="ann", rate=1.0, gain_db=0.0)


class CountingStorage(MemoryStorage):
    """Remembers how many bytes each read took."""

    def __init__(self, objects):
        super().__init__(objects)
        self.reads = []

    async def stream(self, key, start=0, end=None):
        self.reads.append(0)
        async for block in super().stream(key, start, end):
            self.reads[-1] += len(block)
            yield block


class CountingDatabase:
    """Counts the queries of a database."""

    def __init__(self, database):
        self.database = database
        self.queries = 0

    async def fetch(self, statement, values=None):
        self.queries += 1
        return await self.database.fetch(statement, values)

    def transaction(self):
        return self.database.transaction()


class Script:
    """A registry whose speech is a script: the text in place of packets."""

    def __init__(self, *, paid=False, bad=(), workers=2, kept=True):
        self.keep_lossless = paid
        self.kept = kept
        self.bad = set(bad)
        self.workers = workers
        self.tasks: list[list[str]] = []
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self.fails_at_once = False
        self.pause_s = 0.0
        self.slow: set[str] | None = None

    def engine(self, name):
        return self

    def keeps_segments(self, name):
        return self.kept

    @property
    def pool(self):
        return self

    async def speak(self, settings, texts, codecs):
        self.tasks.append(list(texts))
        slow = self.slow is None or texts[0] in self.slow
        if slow and not (self.fails_at_once and texts[0] in self.bad):
            await self.may_speak.wait()
        await asyncio.sleep(self.pause_s)
        made: list[SegmentFiles] = []
        for text in texts:
            if text in self.bad:
                if not made:
                    raise Unavailable(f"cannot speak {text}")
                break
            encoded = {codec: segment(codec, text) for codec in codecs}
            made.append(
                SegmentFiles(1, encoded, segment("flac", text) if self.keep_lossless else None)
            )
        return made

    async def run(self, function, lossless, gain_db, codecs):
        return SegmentFiles(1, {codec: segment(codec, "again") for codec in codecs}, lossless)

    @property
    def spoken(self):
        return Counter(text for task in self.tasks for text in task)


def segment(codec, text):
    return dump(
        SegmentFile(
            codec=codec,
            samples=1,
            gain_db=0.0,
            words=(),
            energies=np.zeros(0, np.float32),
            packets=Packets.of([text.encode()]),
        )
    )


def request(index, text, settings=ANN):
    return SegmentRequest(index=index, segment=f"{text:_>64}", settings=settings, text=text)


def synthesizer(script, cache, metrics=None, **more):
    return SegmentSynthesizer(
        registry=script,
        cache=cache,
        pool=script,
        synthesis_metrics=metrics or CountedMetrics(),
        **more,
    )


async def synthesize(by, *texts, progress=None, codecs=CODECS):
    async def on_progress(count):
        (progress if progress is not None else []).append(count)

    requests = [request(index, text) for index, text in enumerate(texts)]
    return await by.synthesize(DOCUMENT, requests, codecs, on_progress)


async def until(seen):
    """Wait for something that happens soon."""
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.001)


def heard(segments, codec="aac"):
    return [spoken.files[codec] for spoken in segments]


async def test_segments_come_in_the_order_of_the_page(cache):
    texts = [f"text {number}" for number in range(50)]
    segments = await synthesize(synthesizer(Script(), cache), *texts)
    assert heard(segments) == [segment("aac", text) for text in texts]
    assert not any(spoken.cached for spoken in segments)


async def test_many_utterances_are_few_tasks_and_one_look_and_every_worker_has_some(cache):
    script = Script(workers=2)
    await synthesize(synthesizer(script, cache), *(f"{number}" for number in range(64)))
    assert len(script.tasks) == -(-64 // BATCH_UTTERANCES)
    short = Script(workers=4)
    await synthesize(synthesizer(short, cache), "a", "b", "c", "d", "e", "f")
    assert sorted(map(len, short.tasks)) == [2, 2, 2]
    long = Script()
    half = "x" * (BATCH_CHARACTERS // 2)
    await synthesize(synthesizer(long, cache), *(f"{half[1:]}{number}" for number in range(6)))
    assert [len(task) for task in long.tasks] == [2, 2, 2]


async def test_what_sounds_different_is_another_task(cache):
    script = Script(workers=1)
    other = replace(ANN, voice="bob")
    mixed = [request(0, "a"), request(1, "b"), request(2, "c", other), request(3, "d")]

    async def on_progress(count):
        pass

    await synthesizer(script, cache).synthesize(DOCUMENT, mixed, CODECS, on_progress)
    assert script.tasks == [["a", "b"], ["c"], ["d"]]


async def test_what_is_paid_for_goes_one_by_one_and_is_kept_for_other_formats(cache):
    script, metrics = Script(paid=True), CountedMetrics()
    speaker = synthesizer(script, cache, metrics)
    await synthesize(speaker, "a", "b", "c")
    assert script.tasks == [["a"], ["b"], ["c"]]
    segments = await synthesize(speaker, "a", "b", codecs=["aac", "mp3"])
    assert len(script.tasks) == 3
    assert heard(segments, "mp3") == [segment("mp3", "again")] * 2
    assert all(spoken.cached for spoken in segments)
    assert len(metrics.spoken) == 3


async def test_the_same_sentence_is_spoken_once_on_a_page_and_by_pages_at_once(cache):
    script, metrics = Script(), CountedMetrics()
    script.may_speak.clear()
    speaker = synthesizer(script, cache, metrics)
    pages = [asyncio.create_task(synthesize(speaker, "a", "b", "a", f"own {n}")) for n in range(3)]
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for number, page in enumerate(await asyncio.gather(*pages)):
        own = segment("aac", f"own {number}")
        assert heard(page) == [segment("aac", "a"), segment("aac", "b"), segment("aac", "a"), own]
    assert set(script.spoken.values()) == {1}
    assert (len(metrics.spoken), metrics.cached) == (5, 7)


async def test_what_was_spoken_before_a_failure_is_kept(cache):
    script = Script(bad=["c"], workers=1)
    with pytest.raises(Unavailable, match="cannot speak c"):
        await synthesize(synthesizer(script, cache), "a", "b", "c", "d")
    better = Script(workers=1)
    segments = await synthesize(synthesizer(better, cache), "a", "b", "c", "d")
    assert [spoken.cached for spoken in segments] == [True, True, False, False]
    assert better.tasks == [["c", "d"]]


async def test_a_failure_lets_others_that_are_being_spoken_come_to_an_end(cache):
    script = Script(bad=["c"], workers=2)
    script.may_speak.clear()
    script.fails_at_once = True
    page = asyncio.create_task(synthesize(synthesizer(script, cache), "a", "b", "c"))
    await until(lambda: len(script.tasks) == 2)
    script.may_speak.set()
    with pytest.raises(Unavailable, match="cannot speak c"):
        await page
    better = Script(workers=2)
    await synthesize(synthesizer(better, cache), "a", "b", "c")
    assert better.tasks == [["c"]]


async def test_nothing_more_is_begun_after_a_failure(cache):
    script = Script(paid=True, bad=["0"])
    with pytest.raises(Unavailable, match="cannot speak 0"):
        await synthesize(synthesizer(script, cache), *(f"{number}" for number in range(100)))
    assert len(script.tasks) <= script.workers + 1


@pytest.mark.slow
async def test_nothing_more_is_spoken_when_what_was_paid_for_cannot_be_kept(cache):
    """A disk that turns out to be full loses nothing, once there is room again."""
    full = asyncio.Event()
    full.set()

    class FullStorage(MemoryStorage):
        async def write(self, key, data, media_type="x/y"):
            if full.is_set():
                raise Unavailable("the disk is full")
            return await super().write(key, data, media_type)

    script = Script(paid=True, workers=1)
    script.pause_s = 0.02
    filling = replace(cache, storage=FullStorage())
    with pytest.raises(Unavailable, match="full"):
        await synthesize(
            synthesizer(script, filling, flush_every_s=0.03), *(f"{n}" for n in range(50))
        )
    spoken = len(script.tasks)
    assert spoken < 20
    full.clear()
    await synthesize(synthesizer(script, filling), *(f"{n}" for n in range(50)))
    assert len(script.tasks) == spoken + 50


async def test_what_is_spoken_is_kept_on_the_way(cache, storage):
    """A process that is killed loses no more than what was spoken since the last flush."""
    script = Script(paid=True, workers=1)
    speaker = synthesizer(script, cache, flush_every_s=0.03)
    texts = [f"{number}" for number in range(20)]
    script.pause_s = 0.01
    page = asyncio.create_task(synthesize(speaker, *texts))
    while not storage.objects:
        await asyncio.sleep(0.005)
    after_a_kill = PackedSegments(cache.database, MemoryStorage(dict(storage.objects)), 10**9)
    better = Script(paid=True)
    again = await synthesize(synthesizer(better, after_a_kill), *texts)
    assert 0 < sum(spoken.cached for spoken in again) < 20
    assert len(better.tasks) == 20 - sum(spoken.cached for spoken in again)
    await page


async def test_a_page_is_one_object_and_found_again_by_one_query_and_one_read(cache, storage):
    texts = [f"text {number}" for number in range(26)]
    await synthesize(synthesizer(Script(paid=True), cache), *texts)
    [key] = storage.objects
    assert key.startswith(f"audio/{DOCUMENT}/segments/")
    counted = CountingStorage(storage.objects)
    counting = CountingDatabase(cache.database)
    again = await synthesize(
        synthesizer(Script(paid=True), replace(cache, storage=counted, database=counting)), *texts
    )
    assert all(spoken.cached for spoken in again)
    assert (counting.queries, len(counted.reads)) == (1, 1)
    assert counted.reads[0] < len(storage.objects[key])  # the lossless files are left out


async def test_a_page_that_is_cancelled_keeps_what_was_spoken(cache):
    script = Script(paid=True, workers=1)
    speaker = synthesizer(script, cache)
    await_third = asyncio.Event()

    async def on_progress(count):
        if len(script.tasks) >= 3:
            await_third.set()
            await asyncio.sleep(60)

    requests = [request(index, text) for index, text in enumerate("abcdef")]
    page = asyncio.create_task(speaker.synthesize(DOCUMENT, requests, CODECS, on_progress))
    await await_third.wait()
    page.cancel()
    with pytest.raises(asyncio.CancelledError):
        await page
    again = await synthesize(synthesizer(Script(paid=True), cache), *"abcdef")
    assert sum(spoken.cached for spoken in again) >= 2


async def test_after_an_edit_only_the_edited_sentence_is_spoken(cache):
    await synthesize(synthesizer(Script(), cache), "a", "b", "c")
    script = Script()
    await synthesize(synthesizer(script, cache), "a", "new", "c")
    assert script.tasks == [["new"]]


async def test_what_an_engine_speaks_again_for_less_is_not_kept(cache, storage):
    script = Script(kept=False)
    await synthesize(synthesizer(script, cache), "a")
    again = await synthesize(synthesizer(script, cache), "a", "a")
    assert storage.objects == {}
    assert script.spoken == {"a": 2}
    assert [spoken.cached for spoken in again] == [False, True]


async def test_who_needs_more_formats_than_another_page_makes_has_them_made(cache):
    script = Script()
    script.may_speak.clear()
    speaker = synthesizer(script, cache)
    first = asyncio.create_task(synthesize(speaker, "a"))
    await until(lambda: script.tasks)
    second = asyncio.create_task(synthesize(speaker, "a", codecs=["aac", "mp3"]))
    await asyncio.sleep(0.05)
    script.may_speak.set()
    await first
    assert heard(await second, "mp3") == [segment("mp3", "a")]


@pytest.mark.parametrize("kept", [True, False])
async def test_what_another_page_has_spoken_is_taken_before_it_is_kept(cache, storage, kept):
    script = Script(paid=True, workers=1, kept=kept)
    speaker = synthesizer(script, cache)
    script.slow = {"slow"}
    script.may_speak.clear()
    first = asyncio.create_task(synthesize(speaker, "a", "slow"))
    await until(lambda: len(script.tasks) == 2)
    await asyncio.sleep(0.01)
    [second] = await synthesize(speaker, "a")
    assert second.cached
    assert storage.objects == {}
    script.may_speak.set()
    await first
    assert script.spoken == {"a": 1, "slow": 1}
    assert len(speaker._claims) == 0


async def test_another_format_of_what_is_not_kept_yet_is_not_paid_for_again(cache):
    script = Script(paid=True, workers=2)
    speaker = synthesizer(script, cache)
    script.slow = {"slow"}
    script.may_speak.clear()
    first = asyncio.create_task(synthesize(speaker, "a", "slow"))
    await until(lambda: len(script.tasks) == 2)
    await asyncio.sleep(0.01)
    segments = await synthesize(speaker, "a", codecs=["aac", "mp3"])
    assert heard(segments, "mp3") == [segment("mp3", "again")]
    script.may_speak.set()
    await first
    assert script.spoken == {"a": 1, "slow": 1}
    assert len(speaker._claims) == 0


async def test_a_page_that_ends_lets_go_only_of_what_it_holds_itself(cache):
    script = Script(workers=2)
    speaker = synthesizer(script, cache)
    await synthesize(speaker, "a")
    script.may_speak.clear()
    page = asyncio.create_task(synthesize(speaker, "a", "slow"))
    await until(lambda: len(script.tasks) == 2)
    others = [asyncio.create_task(synthesize(speaker, "a", codecs=["mp3"]))]
    await until(lambda: len(script.tasks) == 3)
    page.cancel()
    await asyncio.wait([page])
    others.append(asyncio.create_task(synthesize(speaker, "a", codecs=["mp3"])))
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for segments in await asyncio.gather(*others):
        assert heard(segments, "mp3") == [segment("mp3", "a")]
    assert script.tasks == [["a"], ["slow"], ["a"]]


async def test_who_waited_for_somebody_who_failed_tries_for_himself(cache):
    script = Script(bad=["b"])
    script.may_speak.clear()
    speaker = synthesizer(script, cache)
    first = asyncio.create_task(synthesize(speaker, "b"))
    await until(lambda: script.tasks)
    second = asyncio.create_task(synthesize(speaker, "b"))
    await asyncio.sleep(0.01)
    assert script.tasks == [["b"]]
    script.bad.clear()
    script.bad.add("nothing")
    first.cancel()
    script.may_speak.set()
    assert heard(await asyncio.wait_for(second, 5)) == [segment("aac", "b")]
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(speaker._claims) == 0


async def test_progress_is_every_utterance_once(cache):
    speaker = synthesizer(Script(), cache)
    await synthesize(speaker, "a", "b")
    progress: list[int] = []
    await synthesize(speaker, "a", "b", "c", "c", "d", progress=progress)
    assert sum(progress) == 5
    assert progress[0] == 2


async def test_of_nothing_comes_nothing(cache):
    script = Script()
    assert await synthesize(synthesizer(script, cache)) == []
    assert script.tasks == []


async def test_the_pool_is_kept_busy_and_not_full_and_pages_come_one_after_the_other(cache):
    script = Script(workers=2, kept=False)
    script.may_speak.clear()
    speaker = synthesizer(script, cache)
    pages = [
        asyncio.create_task(synthesize(speaker, *(f"{page}/{number}" for number in range(32))))
        for page in range(3)
    ]
    await until(lambda: len(script.tasks) == 2)
    await asyncio.sleep(0.01)
    assert len(script.tasks) == 2
    script.may_speak.set()
    await asyncio.gather(*pages)
    order = [task[0].partition("/")[0] for task in script.tasks]
    assert order == sorted(order)


async def test_one_page_does_not_wait_for_all_that_another_owner_has(cache):
    script = Script(workers=1)
    script.may_speak.clear()
    speaking = synthesizer(script, cache)
    texts = [f"{n} {'x' * 600}" for n in range(20)]  # each a task by itself
    long = asyncio.create_task(synthesize(speaking, *texts))
    await until(lambda: len(script.tasks) == 1)
    OWNER.set("somebody else")
    short = asyncio.create_task(synthesize(speaking, "short"))
    await asyncio.sleep(0.05)
    script.may_speak.set()
    await asyncio.gather(long, short)
    assert ["short"] in script.tasks[:4]
