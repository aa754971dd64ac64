import asyncio
from functools import partial

import pytest

from libs.common.storage.s3.concurrent_calls import all_of, settled


async def test_so_many_are_under_way_at_once_and_answers_keep_their_order():
    under_way, most = 0, 0

    async def call(number):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return number

    assert await all_of([partial(call, number) for number in range(9)], 3) == list(range(9))
    assert most == 3


async def test_nothing_goes_on_when_one_has_failed():
    ended = []

    async def hangs():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hanging")

    async def fails():
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await all_of([hangs, fails], 2)
    assert ended == ["hanging"]


async def test_those_that_are_not_done_are_left_and_the_first_failure_is_told():
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]
    futures[0].set_result(None)
    assert await settled(set(futures), 2) == set(futures[1:])
    futures[1].set_exception(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await settled(set(futures[1:]), 0)
