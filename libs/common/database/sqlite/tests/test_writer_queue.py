import asyncio

import pytest

from libs.common.database.sqlite.writer_queue import URGENT_IN_A_ROW, WriterQueue


class Writers:
    """Writers of one file; notes the order in which they had their turn."""

    def __init__(self) -> None:
        self.queue = WriterQueue()
        self.order: list[str] = []
        self.writing = 0

    async def write(self, name, *, urgent=False):
        async with self.queue.turn(urgent=urgent):
            self.writing += 1
            assert self.writing == 1
            self.order.append(name)
            await asyncio.sleep(0)
            self.writing -= 1

    async def begin(self, name, *, urgent=False):
        """A writer that has asked for its turn."""
        task = asyncio.create_task(self.write(name, urgent=urgent))
        await asyncio.sleep(0)
        return task


async def test_those_whom_people_wait_for_come_first_and_all_in_their_order():
    writers = Writers()
    async with writers.queue.turn():
        tasks = [await writers.begin(name) for name in ("batch 1", "batch 2")]
        tasks += [await writers.begin(name, urgent=True) for name in ("post 1", "post 2")]
    await asyncio.gather(*tasks)
    assert writers.order == ["post 1", "post 2", "batch 1", "batch 2"]


async def test_nobody_waits_for_ever():
    writers = Writers()
    async with writers.queue.turn():
        tasks = [await writers.begin("batch")]
        tasks += [await writers.begin("post", urgent=True) for _ in range(3 * URGENT_IN_A_ROW)]
    await asyncio.gather(*tasks)
    assert writers.order.index("batch") == URGENT_IN_A_ROW


@pytest.mark.parametrize("urgent", [False, True])
async def test_who_gives_up_waiting_holds_up_nobody(urgent):
    writers = Writers()
    async with writers.queue.turn():
        gone = await writers.begin("gone", urgent=urgent)
        last = await writers.begin("last")
        gone.cancel()
    await asyncio.wait({gone, last}, timeout=10)
    assert gone.cancelled()
    assert writers.order == ["last"]


async def test_who_is_called_and_does_not_come_holds_up_nobody():
    writers = Writers()
    async with writers.queue.turn():
        gone, last = await writers.begin("gone"), await writers.begin("last")
    gone.cancel()  # its turn has been given to it, and it has not run since
    await asyncio.wait({gone, last}, timeout=10)
    assert gone.cancelled()
    assert writers.order == ["last"]


async def test_a_writer_that_fails_passes_its_turn_on():
    writers = Writers()
    with pytest.raises(ZeroDivisionError):
        async with writers.queue.turn():
            raise ZeroDivisionError
    await asyncio.wait_for(writers.write("next"), 10)
    assert writers.order == ["next"]
