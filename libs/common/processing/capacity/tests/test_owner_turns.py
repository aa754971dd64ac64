import asyncio

import pytest

from libs.common.processing.capacity.owner_turns import OWNER, OwnerTurns, WaitingByOwner


async def wait_for_turns(turns, owner, count, order):
    async def one():
        OWNER.set(owner)
        async with turns.turn():
            order.append(owner)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_only_so_many_are_inside_at_a_time():
    turns, inside, most = OwnerTurns(2), 0, 0

    async def one():
        nonlocal inside, most
        async with turns.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2
    assert turns.free == 2


async def test_owners_take_turns_however_much_each_has():
    turns = OwnerTurns(1)
    order: list[str] = []
    async with turns.turn():
        tasks = await wait_for_turns(turns, "ada", 100, order)
        tasks += await wait_for_turns(turns, "bea", 2, order)
    await asyncio.gather(*tasks)
    assert order[:5] == ["ada", "bea", "ada", "bea", "ada"]
    assert len(order) == 102


@pytest.mark.parametrize("let_in", [False, True])
async def test_who_is_cancelled_takes_no_turn(let_in):
    turns = OwnerTurns(1)
    async with turns.turn():
        (cancelled,) = await wait_for_turns(turns, "ada", 1, [])
        if not let_in:
            cancelled.cancel()
    if let_in:  # it has been given its turn, and has not run since
        cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    async with asyncio.timeout(20), turns.turn():
        pass
    assert turns.free == 1


async def test_a_block_that_fails_makes_room():
    turns = OwnerTurns(1)
    with pytest.raises(LookupError):
        async with turns.turn():
            raise LookupError
    assert turns.free == 1


async def test_nobody_is_left_waiting():
    waiting = WaitingByOwner[int]()
    first, second = waiting.join(), waiting.join()
    first.cancel()
    waiting.cancel()
    assert first.cancelled()
    assert second.cancelled()
    assert waiting.pop() is None
