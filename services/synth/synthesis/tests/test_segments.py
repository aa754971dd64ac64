"""Utterances are spoken once, in batches, and nothing that was spoken is lost."""

import asyncio
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from libs.common.errors import Unavailable
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, SegmentFiles, dump
from services.synth.synthesis.cache import SegmentCache
from services.synth.synthesis.registry import VoiceSettings
from services.synth.synthesis.segments import (
    BATCH_CHARACTERS,
    BATCH_UTTERANCES,
    SegmentRequest,
    SegmentSynthesizer,
)
from services.synth.tests.scripts import CountedMetrics

CODECS: list[CodecName] = ["aac"]
ANN = VoiceSettings(engine="scripted", voice="ann", rate=1.0, gain_db=0.0)


class Script:
    """A registry whose speech is a script: the text in place of packets."""

    def __init__(self, *, paid=False, bad=(), workers=2):
        self.keep_lossless = paid
        self.bad = set(bad)
        self.workers = workers
        self.tasks: list[list[str]] = []
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self.fails_at_once = False

    def engine(self, name):
        return self

    @property
    def pool(self):
        return self

    async def speak(self, settings, texts, codecs):
        self.tasks.append(list(texts))
        if not (self.fails_at_once and texts[0] in self.bad):
            await self.may_speak.wait()
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


def synthesizer(script, storage, metrics=None):
    return SegmentSynthesizer(
        registry=script,
        cache=SegmentCache(storage),
        pool=script,
        synthesis_metrics=metrics or CountedMetrics(),
    )


async def synthesize(by, *texts, progress=None, codecs=CODECS):
    async def on_progress(count):
        (progress if progress is not None else []).append(count)

    requests = [request(index, text) for index, text in enumerate(texts)]
    return await by.synthesize(requests, codecs, on_progress)


def heard(segments, codec="aac"):
    return [spoken.files[codec] for spoken in segments]


async def test_segments_come_in_the_order_of_the_page(storage):
    texts = [f"text {number}" for number in range(50)]
    segments = await synthesize(synthesizer(Script(), storage), *texts)
    assert heard(segments) == [segment("aac", text) for text in texts]
    assert not any(spoken.cached for spoken in segments)


async def test_many_utterances_are_few_tasks_and_one_look_and_every_worker_has_some(storage):
    script = Script(workers=2)
    await synthesize(synthesizer(script, storage), *(f"{number}" for number in range(64)))
    assert len(script.tasks) == -(-64 // BATCH_UTTERANCES)
    short = Script(workers=4)
    await synthesize(synthesizer(short, storage), "a", "b", "c", "d", "e", "f")
    assert sorted(map(len, short.tasks)) == [2, 2, 2]
    long = Script()
    half = "x" * (BATCH_CHARACTERS // 2)
    await synthesize(synthesizer(long, storage), *(f"{half[1:]}{number}" for number in range(6)))
    assert [len(task) for task in long.tasks] == [2, 2, 2]


async def test_what_sounds_different_is_another_task(storage):
    script = Script(workers=1)
    other = replace(ANN, voice="bob")
    mixed = [request(0, "a"), request(1, "b"), request(2, "c", other), request(3, "d")]

    async def on_progress(count):
        pass

    await synthesizer(script, storage).synthesize(mixed, CODECS, on_progress)
    assert script.tasks == [["a", "b"], ["c"], ["d"]]


async def test_what_is_paid_for_goes_one_by_one_and_is_kept_for_other_formats(storage):
    script, metrics = Script(paid=True), CountedMetrics()
    speaker = synthesizer(script, storage, metrics)
    await synthesize(speaker, "a", "b", "c")
    assert script.tasks == [["a"], ["b"], ["c"]]
    segments = await synthesize(speaker, "a", "b", codecs=["aac", "mp3"])
    assert len(script.tasks) == 3
    assert heard(segments, "mp3") == [segment("mp3", "again")] * 2
    assert all(spoken.cached for spoken in segments)
    assert len(metrics.spoken) == 3


async def test_the_same_sentence_is_spoken_once_on_a_page_and_by_pages_at_once(storage):
    script, metrics = Script(), CountedMetrics()
    script.may_speak.clear()
    speaker = synthesizer(script, storage, metrics)
    pages = [asyncio.create_task(synthesize(speaker, "a", "b", "a", f"own {n}")) for n in range(3)]
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for number, page in enumerate(await asyncio.gather(*pages)):
        own = segment("aac", f"own {number}")
        assert heard(page) == [segment("aac", "a"), segment("aac", "b"), segment("aac", "a"), own]
    assert set(script.spoken.values()) == {1}
    assert (len(metrics.spoken), metrics.cached) == (5, 7)


async def test_what_was_spoken_before_a_failure_is_kept(storage):
    script = Script(bad=["c"], workers=1)
    with pytest.raises(Unavailable, match="cannot speak c"):
        await synthesize(synthesizer(script, storage), "a", "b", "c", "d")
    better = Script(workers=1)
    segments = await synthesize(synthesizer(better, storage), "a", "b", "c", "d")
    assert [spoken.cached for spoken in segments] == [True, True, False, False]
    assert better.tasks == [["c", "d"]]


async def test_a_failure_lets_others_that_are_being_spoken_come_to_an_end(storage):
    script = Script(bad=["c"], workers=2)
    script.may_speak.clear()
    script.fails_at_once = True
    page = asyncio.create_task(synthesize(synthesizer(script, storage), "a", "b", "c"))
    await asyncio.sleep(0.01)
    script.may_speak.set()
    with pytest.raises(Unavailable, match="cannot speak c"):
        await page
    better = Script(workers=2)
    await synthesize(synthesizer(better, storage), "a", "b", "c")
    assert better.tasks == [["c"]]


async def test_nothing_more_is_begun_after_a_failure(storage):
    script = Script(paid=True, bad=["0"])
    with pytest.raises(Unavailable, match="cannot speak 0"):
        await synthesize(synthesizer(script, storage), *(f"{number}" for number in range(100)))
    assert len(script.tasks) <= script.workers + 1


async def test_little_is_spoken_while_what_was_paid_for_cannot_be_kept(storage):
    """A process killed meanwhile, or a disk that turns out to be full, loses no more than that."""

    class SlowCache(SegmentCache):
        async def keep(self, files):
            await may_keep.wait()
            await super().keep(files)

    may_keep = asyncio.Event()
    script = Script(paid=True, workers=1)
    speaker = replace(synthesizer(script, storage), cache=SlowCache(storage))
    page = asyncio.create_task(synthesize(speaker, *"abcdef"))
    await asyncio.sleep(0.1)
    assert len(script.tasks) == script.workers + 1
    may_keep.set()
    assert heard(await page) == [segment("aac", text) for text in "abcdef"]


async def test_a_page_that_ends_lets_go_only_of_what_it_holds_itself(storage):
    script = Script(workers=1)
    speaker = synthesizer(script, storage)
    await synthesize(speaker, "a")
    script.may_speak.clear()
    page = asyncio.create_task(synthesize(speaker, "a", "slow"))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(synthesize(speaker, "a", codecs=["mp3"]))]
    await asyncio.sleep(0.01)
    page.cancel()
    await asyncio.wait([page])
    others.append(asyncio.create_task(synthesize(speaker, "a", codecs=["mp3"])))
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for segments in await asyncio.gather(*others):
        assert heard(segments, "mp3") == [segment("mp3", "a")]
    assert script.tasks == [["a"], ["slow"], ["a"]]


async def test_who_waited_for_somebody_who_failed_tries_for_himself(storage):
    script = Script(bad=["b"])
    script.may_speak.clear()
    speaker = synthesizer(script, storage)
    first = asyncio.create_task(synthesize(speaker, "b"))
    await asyncio.sleep(0.01)
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
    assert speaker._claims == {}


async def test_progress_is_every_utterance_once(storage):
    speaker = synthesizer(Script(), storage)
    await synthesize(speaker, "a", "b")
    progress: list[int] = []
    await synthesize(speaker, "a", "b", "c", "c", "d", progress=progress)
    assert sum(progress) == 5
    assert progress[0] == 2


async def test_of_nothing_comes_nothing(storage):
    script = Script()
    assert await synthesize(synthesizer(script, storage)) == []
    assert script.tasks == []


async def test_the_pool_is_kept_busy_and_not_full_and_pages_come_one_after_the_other(storage):
    script = Script(workers=2)
    script.may_speak.clear()
    speaker = synthesizer(script, storage)
    pages = [
        asyncio.create_task(synthesize(speaker, *(f"{page}/{number}" for number in range(32))))
        for page in range(3)
    ]
    await asyncio.sleep(0.01)
    assert len(script.tasks) == 3
    script.may_speak.set()
    await asyncio.gather(*pages)
    order = [task[0].partition("/")[0] for task in script.tasks]
    assert order == sorted(order)
