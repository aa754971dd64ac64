"""How the pages of a document are read: by their numbers, or as somebody has put them in order.

A page keeps its number for ever, for events, audios and narrations refer to it by that. The order
is beside the numbers, as a list of runs.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from libs.common.contracts.details import Chapter
from libs.common.contracts.pages import PageRange, holds


@dataclass(frozen=True)
class ReadingOrder:
    """The order of the pages from 1 to ``total``; those behind ``read`` were added later.

    ``runs`` None is the order of the numbers. Pages that no run holds come last.
    """

    runs: Sequence[PageRange] | None
    read: int
    total: int

    @cached_property
    def pages(self) -> Sequence[int]:
        """The numbers of all pages, as they are read."""
        everything = range(1, self.total + 1)
        if self.runs is None:
            return everything
        named = sorted(self.runs, key=lambda run: run.first)
        first = chain.from_iterable(range(run.first, run.last + 1) for run in self.runs)
        return [*first, *(page for page in everything if not holds(named, page))]

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {page: position for position, page in enumerate(self.pages, 1)}

    def position(self, page: int) -> int:
        """Return which one a page is as they are read, from 1; of an unknown page, its number."""
        return page if self.runs is None else self._positions.get(page, page)

    def sorted(self, pages: Collection[int]) -> list[int]:
        """Return some pages as they are read."""
        return sorted(pages, key=self.position)

    def chapter_title(self, found: Sequence[Chapter], page: int) -> str | None:
        """Return the title of the chapter of a page: of one that was added, that of the one before.

        ``found`` are the chapters by the numbers of pages, as they were read.
        """
        firsts = sorted({chapter.first_page for chapter in found})
        group = bisect_right(firsts, self._read_page(page))
        first = firsts[group - 1] if group else None
        return next((one.title for one in found if one.first_page == first), None)

    def chapters(
        self, found: Sequence[Chapter], some: Collection[int] | None = None
    ) -> tuple[Chapter, ...]:
        """Return the chapters in the order of reading, of all pages or of ``some``.

        A chapter that other pages stand in is there once for each of its parts.
        """
        if self.runs is None:
            return tuple(found)
        chosen = None if some is None else frozenset(some)
        return tuple(self._begun(found, chosen))

    def _begun(self, found: Sequence[Chapter], some: Collection[int] | None) -> Iterator[Chapter]:
        beginning: dict[int, list[Chapter]] = {}
        for chapter in found:
            beginning.setdefault(chapter.first_page, []).append(chapter)
        firsts = sorted(beginning)
        group, open_group, seen = 0, 0, set[int]()
        for page in self.pages:
            if page <= self.read:  # one that was added stands in the chapter of the one before
                group = bisect_right(firsts, page)
            if group in {open_group, 0} or (some is not None and page not in some):
                continue
            begun = beginning[firsts[group - 1]]
            for chapter in begun if group not in seen else begun[-1:]:
                yield chapter.model_copy(update={"first_page": page})
            open_group = group
            seen.add(group)

    def _read_page(self, page: int) -> int:
        """Return the page that was read and that ``page`` follows; itself, if it was; 0: none."""
        if page <= self.read or not self.total:
            return page
        places = range(self.position(page) - 2, -1, -1)
        return next((self.pages[at] for at in places if self.pages[at] <= self.read), 0)
