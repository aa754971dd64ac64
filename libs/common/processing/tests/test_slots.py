from types import SimpleNamespace

import pytest

from libs.common.database.wakeups import Wakeup
from libs.common.processing import slots as slots_module
from libs.common.processing.slots import Slots


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(slots_module, "monotonic", clock)
    return clock


@pytest.fixture
def wakeup():
    return Wakeup()


@pytest.fixture
def slots(clock, wakeup):
    return Slots({"parse": 2, "erase": 1}, wakeup, poll_interval_s=3.0)


def claims(*kinds):
    return [SimpleNamespace(kind=kind) for kind in kinds]


def test_all_kinds_with_free_slots_are_asked_for(slots):
    wanted = slots.wanted()
    assert wanted == {"parse": 2, "erase": 1}
    slots.took(wanted, claims("erase"))
    assert slots.wanted() == {"parse": 2}


def test_a_slot_that_is_given_back_wakes_whoever_waits(slots, wakeup):
    wanted = slots.wanted()
    slots.took(wanted, claims("erase"))
    slots.give_back("erase")
    assert wakeup.pending
    assert slots.wanted() == {"parse": 2, "erase": 1}


def test_kinds_of_which_nothing_was_left_are_not_asked_for_at_once(slots):
    slots.took(slots.wanted(), [])
    assert slots.wanted() == {}


def test_they_are_when_there_are_new_jobs(slots, wakeup):
    slots.took(slots.wanted(), [])
    wakeup.notify()
    assert slots.wanted() == {"parse": 2, "erase": 1}


def test_they_are_after_a_while(slots, clock):
    slots.took(slots.wanted(), [])
    clock.now += 2.9
    assert slots.wanted() == {}
    clock.now += 0.2
    assert slots.wanted() == {"parse": 2, "erase": 1}


def test_a_slot_given_back_is_no_news_of_jobs(slots):
    wanted = slots.wanted()
    slots.took(wanted, claims("parse"))
    slots.took(slots.wanted(), [])
    slots.give_back("parse")
    assert slots.wanted() == {}
