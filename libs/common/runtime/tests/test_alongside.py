import asyncio

import pytest

from libs.common.runtime.alongside import alongside


class Loop:
    """Turns until it is asked to end, or until it is cancelled if it does not listen."""

    def __init__(self, *, listens=True):
        self.listens = listens
        self.turning = asyncio.Event()
        self.asked = asyncio.Event()
        self.ended = None

    async def run(self):
        self.turning.set()
        try:
            await (self.asked if self.listens else asyncio.Event()).wait()
            self.ended = "as asked"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def test_runs_beside_the_body_and_ends_when_asked():
    loop = Loop()
    async with alongside(loop.run(), loop.asked.set, 60):
        await loop.turning.wait()
        assert loop.ended is None
    assert loop.ended == "as asked"


@pytest.mark.parametrize("patience_s", [0.1, -2.0])
async def test_cancels_what_does_not_end_in_time(patience_s):
    loop = Loop(listens=False)
    async with alongside(loop.run(), loop.asked.set, patience_s):
        await loop.turning.wait()
    assert loop.asked.is_set()
    assert loop.ended == "cancelled"


async def test_ends_it_when_the_body_fails():
    loop = Loop()

    async def fail():
        async with alongside(loop.run(), loop.asked.set, 60):
            await loop.turning.wait()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert loop.ended == "as asked"


async def test_tells_how_the_loop_failed():
    async def breaks():
        raise LookupError("broken")

    async def enter():
        async with alongside(breaks(), lambda: None, 60):
            await asyncio.sleep(0)

    with pytest.raises(LookupError, match="broken"):
        await enter()


async def test_a_failure_is_noticed_while_the_body_runs():
    noticed = asyncio.Event()

    async def breaks():
        raise LookupError("broken")

    with pytest.raises(LookupError):
        async with alongside(breaks(), lambda: None, 60, noticed.set):
            await asyncio.wait_for(noticed.wait(), 5)
