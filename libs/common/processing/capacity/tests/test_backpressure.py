import asyncio
from time import monotonic

from libs.common.processing.capacity import backpressure as module
from libs.common.processing.capacity.backpressure import (
    LONGEST_S,
    MANY,
    RECORDED_FREELY,
    Backpressure,
)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nobody_waits_where_others_handle_the_events():
    backpressure = Backpressure()
    backpressure.began("ada")
    assert not backpressure.waiting()


def test_who_began_lately_waits_while_events_do():
    backlog = [3]
    backpressure = Backpressure(backlog=lambda: backlog[0], clock=Clock())
    assert not backpressure.waiting()
    backpressure.began("ada")
    assert backpressure.waiting() == {"ada"}
    backlog[0] = 0
    assert not backpressure.waiting()


def test_what_does_not_go_down_lets_an_owner_begin_from_time_to_time():
    clock = Clock()
    backpressure = Backpressure(backlog=lambda: 1, clock=clock)
    for _ in range(3):
        backpressure.began("ada")
        clock.now += LONGEST_S * 0.9
        assert backpressure.waiting() == {"ada"}
        clock.now += LONGEST_S * 0.2
        assert not backpressure.waiting()


async def test_a_job_that_records_much_waits_while_many_events_do():
    backlog = [MANY]
    backpressure = Backpressure(backlog=lambda: backlog[0])
    for recorded in range(RECORDED_FREELY):
        await backpressure.room(recorded)
    waiting = asyncio.create_task(backpressure.room(RECORDED_FREELY))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    backlog[0] = MANY - 1
    await asyncio.wait_for(waiting, 20)


async def test_a_job_that_records_much_goes_on_slowly_whatever_waits(monkeypatch):
    monkeypatch.setattr(module, "SLOWEST_S", 0.1)
    backpressure = Backpressure(backlog=lambda: MANY)
    began = monotonic()
    await asyncio.wait_for(backpressure.room(RECORDED_FREELY), 20)
    assert monotonic() - began >= 0.1


def test_owners_are_forgotten_though_nothing_waits():
    clock = Clock()
    backpressure = Backpressure(clock=clock)
    for number in range(1000):
        backpressure.began(str(number))
        clock.now += LONGEST_S / 10
    assert len(backpressure._begun) < 15
