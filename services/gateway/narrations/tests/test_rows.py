from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.rows import DailyBudget
from services.gateway.narrations.tests.test_decide import narration, requested


def test_every_page_or_those_that_were_asked_for_whether_there_are_such_or_not():
    assert narration(pages=None).selected(None) is None
    assert narration(pages=None).selected(3) == page_ranges((1, 2, 3))
    some = narration(pages=(1, 3, 4, 5, 9))
    assert some.selected(None) == page_ranges((1, 3, 4, 5, 9))
    assert some.selected(4) == page_ranges((1, 3, 4, 5, 9))


def test_pages_that_the_document_does_not_have():
    some = narration(pages=(1, 3, 4, 5, 9))
    assert some.absent(None) == ()
    assert some.absent(4) == page_ranges((5, 9))
    assert some.absent(9) == ()
    assert narration(pages=None).absent(4) == ()


def test_what_was_added_later_was_not_asked_for():
    before = replace(narration(pages=None), page_count=3)
    assert before.selected(3) == before.selected(2) == page_ranges((1, 2, 3))
    assert replace(narration(pages=(4,)), page_count=4).absent(3) == ()


def test_how_a_page_is_to_sound():
    assert narration().spoken_as == requested().spoken_as == ("espeak", "en", 1.0)


NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("most", "counted", "cost", "fits"),
    [
        (0, 99, 99, True),
        (10, 0, 10, True),
        (10, 0, 11, True),  # longer than a day may have, and the first of one
        (10, 1, 9, True),
        (10, 1, 10, False),
        (10, 10, 1, False),
        (10, 99, 0, True),
    ],
)
def test_what_a_day_has_room_for(most, counted, cost, fits):
    assert DailyBudget(now=NOON, most=most, counted=counted).has_room_for(cost) is fits
    assert DailyBudget(now=NOON, most=most).after(counted).has_room_for(cost) is fits


def test_a_day_begins_at_midnight_in_utc_wherever_one_is():
    late = datetime(2026, 12, 31, 23, 30, tzinfo=timezone(-timedelta(hours=5)))
    budget = DailyBudget(now=late, most=1)
    assert budget.day == "2027-01-01"
    assert budget.resumes_at == datetime(2027, 1, 2, tzinfo=UTC)
    before = DailyBudget(now=NOON.replace(hour=0, minute=0), most=1)
    assert (before.day, before.resumes_at) == ("2026-11-28", datetime(2026, 11, 29, tzinfo=UTC))
