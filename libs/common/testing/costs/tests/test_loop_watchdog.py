import asyncio
import time

import pytest

from libs.common.testing.costs.loop_watchdog import MOST_COMPUTED_S, not_counted, watched_loops


def compute(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def in_steps() -> None:
    for _ in range(4):
        compute(MOST_COMPUTED_S / 4)
        await asyncio.sleep(0)


async def at_once() -> None:
    compute(MOST_COMPUTED_S * 10)  # a busy machine may be several times as slow


@pytest.mark.slow
def test_a_step_that_computes_too_long_is_noted():
    with watched_loops() as watchdog:
        asyncio.run(at_once())
    [held] = watchdog.held
    assert "at_once" in held


@pytest.mark.slow
def test_what_lets_others_run_or_waits_properly_is_not():
    with watched_loops() as watchdog:
        asyncio.run(in_steps())
        asyncio.run(asyncio.sleep(0.2))
        asyncio.run(asyncio.to_thread(compute, MOST_COMPUTED_S * 2))
    assert watchdog.held == []


@pytest.mark.slow
def test_what_a_test_does_by_itself_is_left_out():
    async def put_together() -> None:
        with not_counted():
            compute(MOST_COMPUTED_S * 2)

    with watched_loops() as watchdog:
        asyncio.run(put_together())
    assert watchdog.held == []


def test_nothing_is_watched_afterwards():
    with watched_loops() as watchdog:
        pass
    asyncio.run(in_steps())
    assert watchdog.held == []
