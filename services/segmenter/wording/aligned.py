"""Text for speaking that knows, run by run, which part of the page it stands for.

Expanding and cleaning replace stretches of the text; :meth:`Aligned.edited` keeps the offsets
right while they do, so that no later step ever has to search for a word in the page.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

LONGEST_ATOM = 56
"""Characters. An expansion longer than this is refused, so that no limit ever cuts into one."""


class Omitted(NamedTuple):
    """A half-open range of the source that is not spoken, and why."""

    start: int
    end: int
    reason: str


class Edit(NamedTuple):
    """Replace ``[start, end)`` of a text; with a ``reason``, state the source as omitted."""

    start: int
    end: int
    text: str
    reason: str | None = None


class Run(NamedTuple):
    """A stretch of text and the stretch of the source that it stands for.

    An ``exact`` run corresponds character by character; any other stands for its source as a
    whole. ``sealed``: something omitted lies before it, so no span may reach across its start.
    ``leads``: it announces what follows ("Age:"), so no utterance may end with it.
    """

    start: int
    end: int
    source_start: int
    source_end: int
    exact: bool
    sealed: bool = False
    leads: bool = False

    def source_at(self, position: int) -> int:
        """Return where in the source the character at ``position`` begins."""
        return self.source_start + (position - self.start if self.exact else 0)

    def source_before(self, position: int) -> int:
        """Return where in the source the character before ``position`` ends."""
        return self.source_start + position - self.start if self.exact else self.source_end


@dataclass(frozen=True, slots=True)
class Aligned:
    """A text and the runs that tile it without gaps, in source order."""

    text: str
    runs: Sequence[Run]

    def run_at(self, position: int) -> int:
        """Return the index of the run that holds the character at ``position``."""
        return bisect_right(self.runs, position, key=itemgetter(0)) - 1

    def may_cut(self, position: int) -> bool:
        """Whether the text before and after ``position`` may become different utterances."""
        if not 0 < position < len(self.text):
            return True
        run = self.runs[self.run_at(position - 1)]
        return not run.leads and (run.exact or run.end == position)

    def cut_before(self, position: int) -> int:
        """Return the last place up to ``position`` where the text may be cut."""
        while not self.may_cut(position):
            position = self.runs[self.run_at(position - 1)].start
        return position

    def edited(self, edits: Iterable[Edit], omitted: list[Omitted] | None = None) -> "Aligned":
        """Return the text after ``edits``, which are sorted by where they start.

        An edit is skipped if it overlaps an earlier one, is longer than :data:`LONGEST_ATOM`, or
        puts words in place of part of an inexact run or of something omitted. Every edit that has
        a reason and is done is stated in ``omitted``.
        """
        draft = Draft()
        done, index, runs = 0, 0, self.runs
        for wanted in edits:
            if wanted.start < done or wanted.end <= wanted.start:
                continue
            while runs[index].end <= wanted.start:
                index += 1
            last = index
            while runs[last].end < wanted.end:
                last += 1
            edit = _fitted(wanted, runs, index, last)
            if edit is None:
                continue
            while runs[index].end <= edit.start:
                index += 1
            while runs[last].start >= edit.end:
                last -= 1
            draft.copy(self, done, edit.start)
            start, end = _source_of(edit, runs[index], runs[last])
            if edit.reason and omitted is not None:
                omitted.extend(_pieces(edit, runs[index : last + 1], edit.reason))
            _replace(draft, edit, runs[index : last + 1], start, end)
            done = edit.end
        if not done:
            return self
        draft.copy(self, done, len(self.text))
        return draft.finish()


def _fitted(edit: Edit, runs: Sequence[Run], first: int, last: int) -> Edit | None:
    """Return the edit as it can be done: a deletion leaves expansions whole; else all or none."""
    head, tail = runs[first], runs[last]
    if edit.text.isspace():
        return edit
    splits_head = not head.exact and head.start < edit.start
    splits_tail = not tail.exact and edit.end < tail.end
    if not edit.text:
        start = head.end if splits_head else edit.start
        end = tail.start if splits_tail else edit.end
        return edit._replace(start=start, end=end) if start < end else None
    if splits_head or splits_tail or len(edit.text) > LONGEST_ATOM:
        return None
    return None if any(run.sealed for run in runs[first + 1 : last + 1]) else edit


def _source_of(edit: Edit, head: Run, tail: Run) -> tuple[int, int]:
    """Return the source of an edit; a space that takes part of an expansion takes none of it."""
    start, end = head.source_at(edit.start), tail.source_before(edit.end)
    if not head.exact and head.start < edit.start:
        start = head.source_end
    if not tail.exact and edit.end < tail.end:
        end = tail.source_start
    return start, max(start, end)


def _pieces(edit: Edit, covered: Sequence[Run], reason: str) -> Iterator[Omitted]:
    """Yield the source of an edit without what was omitted in between before."""
    for run in covered:
        start = run.source_at(max(run.start, edit.start))
        end = run.source_before(min(run.end, edit.end))
        if start < end:
            yield Omitted(start, end, reason)


def _replace(draft: "Draft", edit: Edit, covered: Sequence[Run], start: int, end: int) -> None:
    if (covered[0].sealed and covered[0].start == edit.start) or edit.reason:
        draft.seal()
    draft.add(edit.text, start, end, leads=any(run.leads for run in covered))
    if edit.reason or any(run.sealed for run in covered[1:]):
        draft.seal()


class Draft:
    """An :class:`Aligned` in the making."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._runs: list[Run] = []
        self._length = 0
        self._sealed = False
        self._from = 0

    def seal(self) -> None:
        """Let no span reach across this point: something is omitted here."""
        self._sealed = True

    def add(
        self, text: str, start: int, end: int, *, exact: bool = False, leads: bool = False
    ) -> None:
        """Append ``text``, which stands for ``[start, end)`` of the source."""
        if not text:
            return
        stop = self._length + len(text)
        last = self._runs[-1] if self._runs else None
        if exact and last and last.exact and last.source_end == start and not self._sealed:
            self._runs[-1] = last._replace(end=stop, source_end=end)
        else:
            self._runs.append(Run(self._length, stop, start, end, exact, self._sealed, leads))
        self._texts.append(text)
        self._length = stop
        self._sealed = False

    def copy(self, other: Aligned, start: int, end: int) -> None:
        """Append ``[start, end)`` of another text; calls move forward through ``other``."""
        if start >= end:
            return
        runs, index = other.runs, self._from
        while runs[index].end <= start:
            index += 1
        while True:
            run = runs[index]
            first, stop = max(run.start, start), min(run.end, end)
            if run.sealed and first == run.start:
                self.seal()
            self.add(
                other.text[first:stop],
                run.source_at(first),
                run.source_before(stop),
                exact=run.exact,
                leads=run.leads,
            )
            if run.end >= end:
                break
            index += 1
        self._from = index

    def append(self, other: Aligned) -> None:
        """Append all of another text."""
        self._from = 0
        self.copy(other, 0, len(other.text))
        self._from = 0

    @property
    def ends_phrase(self) -> bool:
        """Whether the text ends with a mark that already separates it from what follows."""
        return bool(self._texts) and self._texts[-1].rstrip()[-1:] in set(".,;:!?…")

    def finish(self) -> Aligned:
        """Return what was built."""
        return Aligned("".join(self._texts), self._runs)
