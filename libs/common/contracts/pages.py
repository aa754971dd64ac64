"""Pages of a document, many of them in few words."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from libs.common.contracts.base import PageNumber, Value

MAX_RANGES = 1000
"""Ranges in one event, so that its size has a bound."""

_WRITTEN = re.compile(r" *+([0-9]{1,6}) *+(?:- *+([0-9]{1,6}) *+)?")

MAX_PAGE_BYTES = 20_000
"""Longest text of a page, in UTF-8: some 20 minutes. Readers split, people are asked to."""


class PageRange(Value):
    """Pages from ``first`` to ``last``, both included."""

    first: PageNumber
    last: PageNumber

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("the smaller number comes first")
        return self


def _ascending(ranges: tuple[PageRange, ...]) -> tuple[PageRange, ...]:
    if any(later.first <= earlier.last for earlier, later in pairwise(ranges)):
        raise ValueError("ranges ascend and do not overlap")
    return ranges


PageRanges = Annotated[
    tuple[PageRange, ...],
    Field(max_length=MAX_RANGES, description="Ascending, without overlaps."),
    AfterValidator(_ascending),
]
SomePages = Annotated[
    tuple[PageRange, ...],
    Field(min_length=1, max_length=MAX_RANGES, description="Ascending, without overlaps."),
    AfterValidator(_ascending),
]


def _each_once(runs: tuple[PageRange, ...]) -> tuple[PageRange, ...]:
    _ascending(tuple(sorted(runs, key=attrgetter("first"))))
    return runs


PageRuns = Annotated[
    tuple[PageRange, ...],
    Field(
        min_length=1,
        max_length=MAX_RANGES,
        description="Runs of pages in the order in which they are read, each page once.",
    ),
    AfterValidator(_each_once),
]


def page_runs(pages: Iterable[int]) -> tuple[PageRange, ...]:
    """Return runs that hold exactly ``pages``, in their order, as few as can be."""
    bounds: list[list[int]] = []
    for page in pages:
        if bounds and page == bounds[-1][1] + 1:
            bounds[-1][1] = page
        else:
            bounds.append([page, page])
    return tuple(PageRange(first=first, last=last) for first, last in bounds)


def page_ranges(pages: Iterable[int]) -> tuple[PageRange, ...]:
    """Return ranges that hold exactly ``pages``, ascending."""
    return page_runs(sorted(set(pages)))


def merged(ranges: Iterable[PageRange]) -> tuple[PageRange, ...]:
    """Return ranges that hold exactly the pages of ``ranges``, ascending, as few as can be."""
    joined: list[PageRange] = []
    for run in sorted(ranges, key=attrgetter("first")):
        if joined and run.first <= joined[-1].last + 1:
            joined[-1] = PageRange(first=joined[-1].first, last=max(joined[-1].last, run.last))
        else:
            joined.append(run)
    return tuple(joined)


def holds(ranges: Sequence[PageRange], page: int) -> bool:
    """Whether ascending ``ranges`` hold ``page``."""
    place = bisect_right(ranges, page, key=attrgetter("first"))
    return place > 0 and page <= ranges[place - 1].last


def pages_in(ranges: Iterable[PageRange], last: int) -> Iterator[int]:
    """Yield the pages of ``ranges`` up to ``last``, in their order; nobody counts out the rest."""
    for run in ranges:
        yield from range(run.first, min(run.last, last) + 1)


def count_in(ranges: Iterable[PageRange]) -> int:
    """Return how many pages ``ranges`` hold."""
    return sum(run.last - run.first + 1 for run in ranges)


def ranges_as_text(ranges: Iterable[PageRange]) -> str:
    """Return ``ranges`` as people write them: ``1-5,8``."""
    written = (
        str(run.first) if run.first == run.last else f"{run.first}-{run.last}" for run in ranges
    )
    return ",".join(written)


def read_ranges(text: str, largest: int) -> Iterator[PageRange]:
    """Yield the ranges of a text such as ``1-5,8``, as they stand; spaces may be between.

    Raises:
        ValueError: It is no list of pages from 1 to ``largest``, or has more than
            :data:`MAX_RANGES` parts.
    """
    parts = text.split(",")
    if len(parts) > MAX_RANGES:
        raise ValueError(f"write pages in at most {MAX_RANGES} ranges")
    for part in parts:
        match = _WRITTEN.fullmatch(part)
        if match is None:
            raise ValueError("write pages as 1-5,8")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if not 1 <= first <= last <= largest:
            raise ValueError(f"pages go from 1 to {largest}, the smaller number first")
        yield PageRange(first=first, last=last)
