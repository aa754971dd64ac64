import asyncio

from libs.common.processing.capacity.isolation import Isolation


async def test_whoever_wants_to_be_alone_waits_for_those_at_work_and_keeps_others_out():
    isolation, happened = Isolation(), []
    isolation.enter()
    isolation.enter()

    async def alone():
        async with isolation.alone():
            happened.append("alone")

    waiting = asyncio.create_task(alone())
    await asyncio.sleep(0.01)
    assert isolation.is_wanted
    isolation.leave()
    await asyncio.sleep(0.01)
    assert happened == []
    isolation.leave()
    await waiting
    assert happened == ["alone"]
    assert not isolation.is_wanted


async def test_two_are_alone_one_after_the_other():
    isolation, at_once, most = Isolation(), 0, 0

    async def alone():
        nonlocal at_once, most
        async with isolation.alone():
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(alone() for _ in range(3)))
    assert most == 1


async def test_whoever_gives_up_waiting_keeps_nobody_out():
    isolation = Isolation()
    isolation.enter()

    async def alone():
        async with isolation.alone():
            raise AssertionError("somebody is at work")

    waiting = asyncio.create_task(alone())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not isolation.is_wanted
