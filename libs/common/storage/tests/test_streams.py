import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Rejected
from libs.common.storage.streams import Measured, file_blocks, gathered, in_thread, one, save


async def from_list(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.slow
@given(chunks=st.lists(st.binary(max_size=30)), size=st.integers(1, 20))
async def test_blocks_have_one_size_but_for_the_last(chunks, size):
    blocks = [block async for block in gathered(from_list(chunks), size)]
    assert b"".join(blocks) == b"".join(chunks)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks)


@pytest.mark.slow
@given(chunks=st.lists(st.binary(max_size=30)))
async def test_what_passes_is_measured(chunks):
    measured = Measured(from_list(chunks), None)
    data = b"".join([chunk async for chunk in measured])
    ref = measured.ref("a", "x/y")
    assert (ref.size, ref.sha256) == (len(data), sha256(data).hexdigest())


async def test_too_much_is_refused_before_it_passes():
    passing = aiter(Measured(from_list([b"abc", b"def", b"g"]), 6))
    assert [await anext(passing), await anext(passing)] == [b"abc", b"def"]
    with pytest.raises(Rejected):
        await anext(passing)


async def test_a_range_of_a_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert b"".join([block async for block in file_blocks(path, 2, 5)]) == b"234"
    assert b"".join([block async for block in file_blocks(path, 8, 99)]) == b"89"
    assert [block async for block in file_blocks(path, 5, 2)] == []


async def test_a_file_is_saved_whole_or_not_at_all(tmp_path):
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    path = tmp_path / "new" / "a"
    with pytest.raises(ConnectionResetError):
        await save(broken(), path)
    assert list((tmp_path / "new").iterdir()) == []
    await save(one(b"whole"), path)
    assert path.read_bytes() == b"whole"


async def test_a_thread_is_waited_for_when_cancelled():
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        release.wait(10)
        ended.set()

    running = asyncio.create_task(in_thread(slow))
    await asyncio.to_thread(started.wait, 10)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_it_runs_in_the_pool_that_is_given():
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        name = await in_thread(lambda: threading.current_thread().name, pool=pool)
    assert name.startswith("mine")
