"""Pages of a document, many of them in few words."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from libs.common.contracts.base import PageNumber, Value

MAX_RANGES = 1000
"""Ranges in one event, so that its size has a bound."""

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


def page_ranges(pages: Iterable[int]) -> tuple[PageRange, ...]:
    """Return ranges that hold exactly ``pages``, ascending."""
    bounds: list[list[int]] = []
    for page in sorted(set(pages)):
        if bounds and page == bounds[-1][1] + 1:
            bounds[-1][1] = page
        else:
            bounds.append([page, page])
    return tuple(PageRange(first=first, last=last) for first, last in bounds)


def pages_in(ranges: Iterable[PageRange]) -> tuple[int, ...]:
    """Return all pages of ``ranges``, in their order."""
    return tuple(page for run in ranges for page in range(run.first, run.last + 1))
