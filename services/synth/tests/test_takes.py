"""Utterances are spoken once, in batches, and nothing that was spoken is lost."""

import asyncio
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from libs.common.errors import Unavailable
from services.synth.audio.codecs import CodecName
from services.synth.audio.packets import Packets
from services.synth.audio.produced import Produced
from services.synth.audio.segment_file import SegmentFile, dump
from services.synth.orchestra import Sound
from services.synth.segment_cache import SegmentCache
from services.synth.takes import (
    BATCH_CHARACTERS,
    BATCH_UTTERANCES,
    Part,
    Taker,
)
from services.synth.tests.scripts import Counts

CODECS: list[CodecName] = ["aac"]
SOUND = Sound("scripted", "ann", 1.0, 0.0)


class Script:
    """An orchestra whose speech is a script: the text in place of packets."""

    def __init__(self, *, paid=False, bad=(), workers=2):
        self.keep_lossless = paid
        self.bad = set(bad)
        self.workers = workers
        self.tasks: list[list[str]] = []
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self.fails_at_once = False

    def player(self, engine):
        return self

    @property
    def pool(self):
        return self

    async def speak(self, sound, texts, codecs):
        self.tasks.append(list(texts))
        if not (self.fails_at_once and texts[0] in self.bad):
            await self.may_speak.wait()
        made: list[Produced] = []
        for text in texts:
            if text in self.bad:
                if not made:
                    raise Unavailable(f"cannot speak {text}")
                break
            encoded = {codec: segment(codec, text) for codec in codecs}
            made.append(Produced(1, encoded, segment("flac", text) if self.keep_lossless else None))
        return made

    async def run(self, function, lossless, gain_db, codecs):
        return Produced(1, {codec: segment(codec, "again") for codec in codecs}, lossless)

    @property
    def spoken(self):
        return Counter(text for task in self.tasks for text in task)


def segment(codec, text):
    return dump(
        SegmentFile(codec, 1, 0.0, (), np.zeros(0, np.float32), Packets.of([text.encode()]))
    )


def parts(*texts, sound=SOUND):
    return [Part(number, f"{text:_>64}", sound, text) for number, text in enumerate(texts)]


def taker(script, storage, tally=None):
    return Taker(script, SegmentCache(storage), script, tally or Counts())


async def take(taking, *texts, noted=None, codecs=CODECS):
    async def note(count):
        (noted if noted is not None else []).append(count)

    return await taking.take(parts(*texts), codecs, note)


def heard(takes, codec="aac"):
    return [each.files[codec] for each in takes]


async def test_takes_come_in_the_order_of_the_page(storage):
    texts = [f"text {number}" for number in range(50)]
    takes = await take(taker(Script(), storage), *texts)
    assert heard(takes) == [segment("aac", each) for each in texts]
    assert not any(each.cached for each in takes)


async def test_many_utterances_are_few_tasks_and_one_look_and_every_worker_has_some(storage):
    script = Script(workers=2)
    await take(taker(script, storage), *(f"{number}" for number in range(64)))
    assert len(script.tasks) == -(-64 // BATCH_UTTERANCES)
    short = Script(workers=4)
    await take(taker(short, storage), "a", "b", "c", "d", "e", "f")
    assert sorted(map(len, short.tasks)) == [2, 2, 2]
    long = Script()
    half = "x" * (BATCH_CHARACTERS // 2)
    await take(taker(long, storage), *(f"{half[1:]}{number}" for number in range(6)))
    assert [len(task) for task in long.tasks] == [2, 2, 2]


async def test_what_sounds_different_is_another_task(storage):
    script = Script(workers=1)
    other = Sound("scripted", "bob", 1.0, 0.0)
    mixed = [*parts("a", "b"), Part(2, "c" * 64, other, "c"), Part(3, "d" * 64, SOUND, "d")]

    async def note(count):
        pass

    await taker(script, storage).take(mixed, CODECS, note)
    assert script.tasks == [["a", "b"], ["c"], ["d"]]


async def test_what_is_paid_for_goes_one_by_one_and_is_kept_for_other_formats(storage):
    script, tally = Script(paid=True), Counts()
    taking = taker(script, storage, tally)
    await take(taking, "a", "b", "c")
    assert script.tasks == [["a"], ["b"], ["c"]]
    takes = await take(taking, "a", "b", codecs=["aac", "mp3"])
    assert len(script.tasks) == 3
    assert heard(takes, "mp3") == [segment("mp3", "again")] * 2
    assert all(each.cached for each in takes)
    assert len(tally.said) == 3


async def test_the_same_sentence_is_spoken_once_on_a_page_and_by_pages_at_once(storage):
    script, tally = Script(), Counts()
    script.may_speak.clear()
    taking = taker(script, storage, tally)
    pages = [asyncio.create_task(take(taking, "a", "b", "a", f"own {n}")) for n in range(3)]
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for number, page in enumerate(await asyncio.gather(*pages)):
        own = segment("aac", f"own {number}")
        assert heard(page) == [segment("aac", "a"), segment("aac", "b"), segment("aac", "a"), own]
    assert set(script.spoken.values()) == {1}
    assert (len(tally.said), tally.from_cache) == (5, 7)


async def test_what_was_spoken_before_a_failure_is_kept(storage):
    script = Script(bad=["c"], workers=1)
    with pytest.raises(Unavailable, match="cannot speak c"):
        await take(taker(script, storage), "a", "b", "c", "d")
    better = Script(workers=1)
    takes = await take(taker(better, storage), "a", "b", "c", "d")
    assert [each.cached for each in takes] == [True, True, False, False]
    assert better.tasks == [["c", "d"]]


async def test_a_failure_lets_others_that_are_being_spoken_come_to_an_end(storage):
    script = Script(bad=["c"], workers=2)
    script.may_speak.clear()
    script.fails_at_once = True
    page = asyncio.create_task(take(taker(script, storage), "a", "b", "c"))
    await asyncio.sleep(0.01)
    script.may_speak.set()
    with pytest.raises(Unavailable, match="cannot speak c"):
        await page
    better = Script(workers=2)
    await take(taker(better, storage), "a", "b", "c")
    assert better.tasks == [["c"]]


async def test_nothing_more_is_begun_after_a_failure(storage):
    script = Script(paid=True, bad=["0"])
    with pytest.raises(Unavailable, match="cannot speak 0"):
        await take(taker(script, storage), *(f"{number}" for number in range(100)))
    assert len(script.tasks) <= script.workers + 1


async def test_little_is_spoken_while_what_was_paid_for_cannot_be_kept(storage):
    """A process killed meanwhile, or a disk that turns out to be full, loses no more than that."""

    class SlowCache(SegmentCache):
        async def keep(self, files):
            await may_keep.wait()
            await super().keep(files)

    may_keep = asyncio.Event()
    script = Script(paid=True, workers=1)
    taking = replace(taker(script, storage), cache=SlowCache(storage))
    page = asyncio.create_task(take(taking, *"abcdef"))
    await asyncio.sleep(0.1)
    assert len(script.tasks) == script.workers + 1
    may_keep.set()
    assert heard(await page) == [segment("aac", each) for each in "abcdef"]


async def test_a_page_that_ends_lets_go_only_of_what_it_holds_itself(storage):
    script = Script(workers=1)
    taking = taker(script, storage)
    await take(taking, "a")
    script.may_speak.clear()
    page = asyncio.create_task(take(taking, "a", "slow"))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(take(taking, "a", codecs=["mp3"]))]
    await asyncio.sleep(0.01)
    page.cancel()
    await asyncio.wait([page])
    others.append(asyncio.create_task(take(taking, "a", codecs=["mp3"])))
    await asyncio.sleep(0.01)
    script.may_speak.set()
    for takes in await asyncio.gather(*others):
        assert heard(takes, "mp3") == [segment("mp3", "a")]
    assert script.tasks == [["a"], ["slow"], ["a"]]


async def test_who_waited_for_somebody_who_failed_tries_for_himself(storage):
    script = Script(bad=["b"])
    script.may_speak.clear()
    taking = taker(script, storage)
    first = asyncio.create_task(take(taking, "b"))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(take(taking, "b"))
    await asyncio.sleep(0.01)
    assert script.tasks == [["b"]]
    script.bad.clear()
    script.bad.add("nothing")
    first.cancel()
    script.may_speak.set()
    assert heard(await asyncio.wait_for(second, 5)) == [segment("aac", "b")]
    with pytest.raises(asyncio.CancelledError):
        await first
    assert taking._underway == {}


async def test_progress_is_every_utterance_once(storage):
    taking = taker(Script(), storage)
    await take(taking, "a", "b")
    noted: list[int] = []
    await take(taking, "a", "b", "c", "c", "d", noted=noted)
    assert sum(noted) == 5
    assert noted[0] == 2


async def test_nothing_is_taken_of_nothing(storage):
    script = Script()
    assert await take(taker(script, storage)) == []
    assert script.tasks == []


async def test_the_pool_is_kept_busy_and_not_full_and_pages_come_one_after_the_other(storage):
    script = Script(workers=2)
    script.may_speak.clear()
    taking = taker(script, storage)
    pages = [
        asyncio.create_task(take(taking, *(f"{page}/{number}" for number in range(32))))
        for page in range(3)
    ]
    await asyncio.sleep(0.01)
    assert len(script.tasks) == 3
    script.may_speak.set()
    await asyncio.gather(*pages)
    order = [task[0].partition("/")[0] for task in script.tasks]
    assert order == sorted(order)
