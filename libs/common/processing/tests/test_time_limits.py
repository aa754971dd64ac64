import asyncio

import pytest

from libs.common.processing.time_limits import Hung, TimeLimits, TooSlow


@pytest.mark.parametrize(("soft_s", "hard_s"), [(0, 1), (-1, 1), (1, 1), (2, 1)])
def test_limits_that_limit_nothing_are_refused(soft_s, hard_s):
    with pytest.raises(ValueError, match="no time limits"):
        TimeLimits(soft_s=soft_s, hard_s=hard_s)


async def test_what_ends_in_time_returns_and_raises_as_it_does():
    limits = TimeLimits(soft_s=10, hard_s=20)
    assert await limits.run(asyncio.sleep(0, "done")) == "done"

    async def fail():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await limits.run(fail())


async def test_what_is_too_slow_is_cancelled():
    cleaned_up = asyncio.Event()

    async def slow():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned_up.set()

    with pytest.raises(TooSlow) as refused:
        await TimeLimits(soft_s=0.01, hard_s=10).run(slow())
    assert refused.value.code == "timeout"
    assert cleaned_up.is_set()


async def test_what_others_kept_waiting_has_longer():
    waited = []

    async def held_up():
        waited.append(60.0)
        await asyncio.sleep(0.1)
        return "done"

    limits = TimeLimits(soft_s=0.01, hard_s=10)
    assert await limits.run(held_up(), kept_waiting=lambda: sum(waited)) == "done"


async def test_what_ends_well_though_it_was_cancelled_is_done():
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "done"

    assert await TimeLimits(soft_s=0.01, hard_s=10).run(stubborn()) == "done"


@pytest.mark.parametrize("cancelled", [False, True])
async def test_what_does_not_end_is_told_of(cancelled):
    go_on = asyncio.Event()

    async def hang():
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    soft_s = 60 if cancelled else 0.01
    running = asyncio.create_task(TimeLimits(soft_s=soft_s, hard_s=soft_s + 0.02).run(hang()))
    await asyncio.sleep(0)
    if cancelled:
        running.cancel()
    with pytest.raises(Hung):
        await running
    go_on.set()
