"""Which pages of a narration cannot be heard, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.pages import MAX_RANGES, PageRange, page_ranges, pages_in
from services.gateway.audio.rows import AudioRow
from services.gateway.audio.selects import audios_of_pages
from services.gateway.documents.rows import PageRow
from services.gateway.documents.selects import pages_of
from services.gateway.kernel.cursors import Slice
from services.gateway.kernel.views import Failure, failure
from services.gateway.narrations.outcomes.page_outcomes import pages_that_are
from services.gateway.narrations.progress import WELL, NarrationFacts
from services.gateway.narrations.rows import Outcome
from services.gateway.narrations.selects import refused_pages
from services.gateway.narrations.views import PageFailure

LATE = Failure(code="timeout", reason="Nothing was heard of this page in time.")
FULL = Failure(
    code="quota_exceeded",
    reason="This page has as many sounds as this site allows; delete one of its audios.",
)
STOPPED = Failure(code="canceled", reason="Somebody stopped this before the page was there.")
ABSENT = Failure(code="no_such_page", reason="The document has no such page.")


async def missing_ranges(
    connection: AsyncConnection, facts: NarrationFacts
) -> tuple[PageRange, ...]:
    """Return the pages that have no audio though they should, as many ranges as an event holds."""
    if not facts.pages_missing:
        return ()
    return tuple(islice(await _but(connection, facts, WELL), MAX_RANGES))


async def page_failures(
    connection: AsyncConnection, facts: NarrationFacts, limit: int, after: int = 0
) -> Slice[PageFailure]:
    """Return why pages behind page ``after`` failed, in order, at most ``limit`` of them."""
    if facts.narration.ended_at is None:  # what is not known yet is waited for
        numbers = await _pages(connection, facts, {"failed"}, after)
        absent = facts.narration.absent(facts.document.page_count)
        behind = (page for page in pages_in(absent, MAX_PAGES) if page > after)
        numbers += islice(behind, max(0, limit + 1 - len(numbers)))
    else:
        others = {outcome for outcome in get_args(Outcome) if outcome != "failed"}
        failed = await _but(connection, facts, others, after)
        numbers = list(islice(pages_in(failed, MAX_PAGES), limit + 1))
    chosen = numbers[:limit]
    document_id = facts.document.document_id
    pages = {page.page: page for page in await pages_of(connection, document_id, chosen)}
    audios = {
        audio.page: audio
        for audio in await audios_of_pages(connection, document_id, chosen)
        if audio.spoken_as == facts.narration.spoken_as and audio.has_failed
    }
    full = await refused_pages(connection, facts.narration.narration_id, chosen)
    otherwise = LATE if facts.narration.canceled_at is None else STOPPED
    last = facts.narration.last_page(facts.document.page_count)
    failures = tuple(
        PageFailure(page=page, **ABSENT.model_dump())
        if last is not None and page > last
        else _failure(page, pages, audios, page in full, otherwise)
        for page in chosen
    )
    return Slice(failures, str(chosen[-1]) if len(numbers) > limit else None)


def ranges_without(ranges: Iterable[PageRange], numbers: Sequence[int]) -> Iterator[PageRange]:
    """Yield what is left of ascending ``ranges`` without ascending ``numbers``."""
    place = 0
    for run in ranges:
        first = run.first
        while place < len(numbers) and numbers[place] <= run.last:
            if numbers[place] > first:
                yield PageRange(first=first, last=numbers[place] - 1)
            first = max(first, numbers[place] + 1)
            place += 1
        if first <= run.last:
            yield PageRange(first=first, last=run.last)


async def _but(
    connection: AsyncConnection,
    facts: NarrationFacts,
    outcomes: Iterable[Outcome],
    after: int = 0,
) -> Iterator[PageRange]:
    """The pages behind ``after`` that were asked for and did not become one of ``outcomes``."""
    selected = facts.narration.selected(facts.document.page_count)
    chosen = set(outcomes)
    if selected is None:
        others = {outcome for outcome in get_args(Outcome) if outcome not in chosen}
        return iter(page_ranges(await _pages(connection, facts, others, after)))
    behind = (
        PageRange(first=max(run.first, after + 1), last=run.last)
        for run in selected
        if run.last > after
    )
    return ranges_without(behind, await _pages(connection, facts, chosen, after))


async def _pages(
    connection: AsyncConnection, facts: NarrationFacts, outcomes: set[Outcome], after: int
) -> list[int]:
    return await pages_that_are(
        connection, facts.narration, facts.document.pages_total, outcomes, after
    )


def _failure(
    page: int,
    pages: Mapping[int, PageRow],
    audios: Mapping[int, AudioRow],
    full: bool,
    otherwise: Failure,
) -> PageFailure:
    row, audio = pages.get(page), audios.get(page)
    why = audio if audio is not None and row and audio.revision == row.revision else row
    if full:
        return PageFailure(page=page, **FULL.model_dump())
    if why is None or why.failed_code is None:
        return PageFailure(page=page, **otherwise.model_dump())
    return PageFailure(page=page, **failure(why.failed_code, why.failed_reason).model_dump())
