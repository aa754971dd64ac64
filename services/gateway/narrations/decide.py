"""What is to be made next: rows in, events out.

Nothing is spoken twice: audios of the same text that sound the same and together have the formats
serve every narration that asks for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.details import AudiobookContents, AudiobookPage
from libs.common.contracts.formats import PageFormat
from libs.common.contracts.identifiers import UNDETERMINED
from services.gateway.audio.rows import AudioRow, SpokenAs
from services.gateway.documents.rows import DocumentRow
from services.gateway.narrations.rows import DailyBudget, RequestedPage

PageText = tuple[UUID, int, int]
"""A page's text: document, page, revision."""


@dataclass(kw_only=True)
class Decided:
    """What is to be spoken, and what is not.

    Pages that are ``refused`` have too many sounds; those ``put_off`` wait for another day.
    ``budget`` is what is left of this one.
    """

    budget: DailyBudget
    requests: list[AudioRequested] = field(default_factory=list)
    refused: list[RequestedPage] = field(default_factory=list)
    put_off: list[RequestedPage] = field(default_factory=list)


def decide_audios(
    requested: Sequence[RequestedPage],
    spoken: Iterable[AudioRow | AudioRequested],
    most_sounds: int,
    budget: DailyBudget,
) -> Decided:
    """Return what has to be spoken for ``requested``: the formats that a page lacks in a sound.

    ``spoken`` are the audios of these pages that have not failed. A page that has ``most_sounds``
    gets no other one. When there is no room in ``budget`` for a page, those behind it wait with it,
    so that pages are heard in their order; what costs nothing goes.
    """
    there: dict[PageText, dict[SpokenAs, set[PageFormat]]] = {}
    for audio in spoken:
        sounds = there.setdefault((audio.document_id, audio.page, audio.revision), {})
        sounds.setdefault((audio.engine, audio.voice, audio.rate), set()).update(audio.formats)
    decided = Decided(budget=budget)
    for page in requested:
        sounds = there.setdefault((page.document_id, page.page, page.segments_revision), {})
        if page.spoken_as not in sounds and len(sounds) >= most_sounds:
            decided.refused.append(page)
            continue
        having = sounds.get(page.spoken_as, set())
        lacking = tuple(name for name in page.formats if name not in having)
        if not page.utterances or not lacking:
            continue
        cost = 0 if having else page.cost
        if cost and (decided.put_off or not decided.budget.has_room_for(cost)):
            decided.put_off.append(page)
            continue
        sounds[page.spoken_as] = having | set(lacking)
        decided.budget = decided.budget.after(cost)
        decided.requests.append(_audio_requested(page, lacking, budget.now))
    return decided


def audiobook_contents(document: DocumentRow, pages: Sequence[AudiobookPage]) -> AudiobookContents:
    """Return what an audiobook of ``document`` is made of, if these are its pages."""
    order = document.reading_order
    found = document.parsed.chapters if document.parsed else ()
    return AudiobookContents(
        title=document.title,
        author=document.author,
        language=document.language or UNDETERMINED,
        chapters=order.chapters(found, [page.page for page in pages]),
        cover=document.cover,
        pages=tuple(sorted(pages, key=lambda page: order.position(page.page))),
    )


def _audio_requested(
    page: RequestedPage, formats: tuple[PageFormat, ...], now: datetime
) -> AudioRequested:
    return AudioRequested(
        occurred_at=now,
        document_id=page.document_id,
        audio_id=uuid4(),
        owner_id=page.owner_id,
        requested_by=page.requested_by,
        page=page.page,
        revision=page.segments_revision,
        segmented_page=page.segments,
        characters=page.segments_characters,
        engine=page.engine,
        voice=page.voice,
        rate=page.rate,
        formats=formats,
    )
