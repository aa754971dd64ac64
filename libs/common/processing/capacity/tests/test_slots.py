from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from libs.common.database.wakeups import Wakeup
from libs.common.processing.capacity import slots as slots_module
from libs.common.processing.capacity.slots import Slots
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits


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
    return Slots([route("parse", 4, 3), route("erase", 1)], wakeup, poll_interval_s=3.0)


class Nothing(BaseModel):
    pass


async def do_nothing(job):
    return []


def route(name, slots, slots_of_one=None):
    kind = JobKind(name=name, payload=Nothing, limits=TimeLimits(soft_s=1, hard_s=2))
    return kind.done_by(do_nothing, slots=slots, slots_of_one=slots_of_one)


def claims(kind, *owners):
    return [SimpleNamespace(kind=kind, owner=owner) for owner in owners]


def free(slots):
    return {one.kind: one.free for one in slots.requests()}


def request(slots, kind):
    return next(one for one in slots.requests() if one.kind == kind)


def test_all_kinds_with_free_slots_are_asked_for(slots):
    assert free(slots) == {"parse": 4, "erase": 1}
    slots.took(request(slots, "erase"), claims("erase", "ada"))
    assert free(slots) == {"parse": 4}


def test_a_request_says_how_many_an_owner_may_have(slots):
    slots.took(request(slots, "parse"), claims("parse", "ada", "ada", "bob"))
    parse = request(slots, "parse")
    assert (parse.free, parse.share, parse.most) == (1, 2, 3)
    assert parse.held == {"ada": 2, "bob": 1}
    assert (request(slots, "erase").share, request(slots, "erase").most) == (1, 1)


def test_a_slot_that_is_given_back_wakes_whoever_waits(slots, wakeup):
    [held] = claims("erase", "ada")
    slots.took(request(slots, "erase"), [held])
    slots.give_back(held)
    assert wakeup.pending
    assert free(slots) == {"parse": 4, "erase": 1}
    assert request(slots, "erase").held == {}


def test_kinds_of_which_nothing_was_left_are_not_asked_for_at_once(slots):
    slots.took(request(slots, "parse"), [])
    assert free(slots) == {"erase": 1}


def test_they_are_when_there_are_new_jobs(slots, wakeup):
    slots.took(request(slots, "parse"), [])
    wakeup.notify()
    assert free(slots) == {"parse": 4, "erase": 1}


def test_they_are_after_a_while(slots, clock):
    slots.took(request(slots, "parse"), [])
    clock.now += 2.9
    assert free(slots) == {"erase": 1}
    clock.now += 0.2
    assert free(slots) == {"parse": 4, "erase": 1}


def test_they_are_when_an_owner_is_passed_over_no_more(slots):
    ada, both = frozenset({"ada"}), frozenset({"ada", "bob"})
    [parse, _] = slots.requests(both)
    assert parse.passed_over == both
    slots.took(parse, [])
    assert [one.kind for one in slots.requests(both)] == ["erase"]
    assert [one.kind for one in slots.requests(ada)] == ["parse", "erase"]


def test_a_slot_given_back_is_no_news_of_jobs(slots):
    [held] = claims("parse", "ada")
    slots.took(request(slots, "parse"), [held])
    slots.took(request(slots, "parse"), [])
    slots.give_back(held)
    assert free(slots) == {"erase": 1}


def test_unless_its_owner_had_all_that_one_may_have(slots):
    held = claims("parse", "ada", "ada", "ada")
    slots.took(request(slots, "parse"), held)
    slots.took(request(slots, "parse"), [])
    slots.give_back(held[0])
    assert free(slots) == {"parse": 2, "erase": 1}
