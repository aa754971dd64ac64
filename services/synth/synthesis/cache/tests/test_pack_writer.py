import asyncio
from uuid import UUID

import pytest

from libs.common.errors import Unavailable
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place
from services.synth.synthesis.cache.pack_writer import packing

DOCUMENT = UUID(int=1)
A, B = (SegmentPlace(name * 64, 0.0, "aac") for name in "ab")


class Kept:
    """A cache that remembers what it was told to keep, or fails so many times."""

    def __init__(self, failures=0):
        self.packs = []
        self.failures = failures

    async def find(self, places):
        return {}

    async def keep(self, document_id, files):
        assert document_id == DOCUMENT
        if self.failures:
            self.failures -= 1
            raise Unavailable("it is away")
        if files:
            self.packs.append(dict(files))


async def test_all_is_one_pack_at_the_end_the_lossless_files_last():
    cache = Kept()
    async with packing(cache, DOCUMENT) as writer:
        await writer.add({lossless_place("a"): b"1", A: b"2"})
        await writer.add({B: b"3"})
        assert cache.packs == []
    assert [list(pack.items()) for pack in cache.packs] == [
        [(A, b"2"), (B, b"3"), (lossless_place("a"), b"1")]
    ]


async def test_a_failure_and_a_cancellation_keep_what_there_is():
    async def failing(cache, error):
        async with packing(cache, DOCUMENT) as writer:
            await writer.add({A: b"1"})
            raise error

    for error in (Unavailable("x"), asyncio.CancelledError()):
        cache = Kept()
        with pytest.raises(type(error)):
            await failing(cache, error)
        assert cache.packs == [{A: b"1"}]


async def test_what_there_is_is_kept_every_so_often():
    cache = Kept()
    async with packing(cache, DOCUMENT, every_s=0.02) as writer:
        await writer.add({A: b"1"})
        await asyncio.sleep(0.1)
        assert cache.packs == [{A: b"1"}]
        await writer.add({B: b"2"})
    assert cache.packs == [{A: b"1"}, {B: b"2"}]


async def test_a_writer_that_cannot_keep_takes_nothing_more_and_tries_again_at_the_end():
    cache = Kept(failures=1)
    async with packing(cache, DOCUMENT, every_s=0.02) as writer:
        await writer.add({A: b"1"})
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable):
            await writer.add({B: b"2"})
    assert cache.packs == [{A: b"1", B: b"2"}]


async def test_that_it_cannot_be_kept_at_the_end_fails_no_page():
    cache = Kept(failures=9)
    async with packing(cache, DOCUMENT) as writer:
        await writer.add({A: b"1"})
    assert cache.packs == []
    assert cache.failures < 9


async def test_a_bug_is_told():
    class Broken(Kept):
        async def keep(self, document_id, files):
            raise LookupError("a bug")

    async def ended():
        async with packing(Broken(), DOCUMENT) as writer:
            await writer.add({A: b"1"})

    with pytest.raises(LookupError):
        await ended()
