from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.pages import (
    MAX_RANGES,
    PageRange,
    PageRuns,
    count_in,
    holds,
    merged,
    page_ranges,
    page_runs,
    pages_in,
    ranges_as_text,
    read_ranges,
)

PAGES = st.lists(st.integers(1, 60) | st.integers(1, MAX_PAGES), max_size=80)


@given(PAGES)
def test_ranges_hold_exactly_the_pages_ascending_and_once(pages):
    ranges = page_ranges(pages)
    assert list(pages_in(ranges, MAX_PAGES)) == sorted(set(pages))
    assert count_in(ranges) == len(set(pages))
    assert all(holds(ranges, page) == (page in pages) for page in range(1, 62))


@given(PAGES)
def test_no_fewer_ranges_would_do(pages):
    ranges = page_ranges(pages)
    assert all(left.last + 1 < right.first for left, right in pairwise(ranges))


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 20)), max_size=20))
def test_ranges_that_overlap_become_one(bounds):
    given = [PageRange(first=first, last=first + more) for first, more in bounds]
    again = merged(given)
    assert again == page_ranges(pages_in(given, MAX_PAGES))
    assert merged(again) == again


def test_many_pages_in_few_words():
    assert page_ranges(range(1, 1001)) == (PageRange(first=1, last=1000),)
    assert page_ranges([9, 1, 2, 3, 2]) == (PageRange(first=1, last=3), PageRange(first=9, last=9))
    assert page_ranges([]) == ()
    assert ranges_as_text(page_ranges([9, 1, 2, 3])) == "1-3,9"


def test_only_as_many_pages_are_counted_out_as_there_are():
    far = (*page_ranges([1, 2]), PageRange(first=4, last=MAX_PAGES))
    assert list(pages_in(far, 5)) == [1, 2, 4, 5]


@pytest.mark.parametrize(("first", "last"), [(2, 1), (0, 3), (-1, -1), (1, MAX_PAGES + 1)])
def test_a_range_goes_upwards_from_page_1_and_has_an_end(first, last):
    with pytest.raises(ValidationError):
        PageRange(first=first, last=last)


@given(st.permutations(range(1, 12)))
def test_runs_hold_pages_in_their_order_and_are_written_and_read(pages):
    runs = page_runs(pages)
    assert list(pages_in(runs, MAX_PAGES)) == list(pages)
    assert tuple(read_ranges(ranges_as_text(runs), MAX_PAGES)) == runs
    assert TypeAdapter(PageRuns).validate_python(runs) == runs


def test_a_run_of_pages_that_another_one_has_is_refused():
    with pytest.raises(ValidationError):
        TypeAdapter(PageRuns).validate_python(page_runs((3, 1, 2, 3)))


@pytest.mark.parametrize(
    "text",
    ["", "x", "1-", "-1", "3-1", "0", "8", "1,,2", "\u0663", "\u0661-\u0662", "1\u00a0", "1\n"],
)
def test_what_names_no_pages(text):
    with pytest.raises(ValueError, match="pages"):
        list(read_ranges(text, 7))
    with pytest.raises(ValueError, match="ranges"):
        list(read_ranges(",".join("1" * (MAX_RANGES + 1)), 7))
