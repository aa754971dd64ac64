"""What is to be made next: rows in, events out.

Nothing is spoken twice: an audio of the same text that sounds the same and has the formats serves
every narration that asks for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid4

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.details import AudiobookContents, AudiobookPage
from libs.common.contracts.formats import PageFormat, page_format_of
from libs.common.contracts.identifiers import UNDETERMINED
from services.gateway.audio.rows import AudioRow, SpokenAs
from services.gateway.documents.rows import DocumentRow, PageRow
from services.gateway.narrations.rows import NarrationRow, RequestedPage

Spoken = tuple[UUID, int, int, SpokenAs]
"""A page's text, spoken one way: document, page, revision, and how."""


def decide_audios(
    requested: Sequence[RequestedPage], spoken: Iterable[AudioRow | AudioRequested]
) -> list[AudioRequested]:
    """Return what has to be spoken for ``requested``.

    That is what has something to speak, and is neither spoken so nor being spoken so: ``spoken``
    are the audios of these pages that have not failed.
    """
    there: dict[Spoken, list[set[PageFormat]]] = {}
    for audio in spoken:
        how = audio.engine, audio.voice, audio.rate
        key = audio.document_id, audio.page, audio.revision, how
        there.setdefault(key, []).append(set(audio.formats))
    decided: list[AudioRequested] = []
    for page in requested:
        formats = set(page.formats)
        key = page.document_id, page.page, page.segments_revision, page.spoken_as
        known = there.setdefault(key, [])
        if page.utterances and not any(formats <= having for having in known):
            known.append(formats)
            decided.append(_audio_requested(page))
    return decided


def plan_audiobook(
    narration: NarrationRow,
    document: DocumentRow,
    pages: Mapping[int, PageRow],
    audios: Iterable[AudioRow],
) -> AudiobookContents | None:
    """Return what a narration's audiobook is made of, once all its pages are there."""
    if narration.audiobook is None or document.parsed_at is None or document.page_count is None:
        return None
    selected = [page for page in range(1, document.page_count + 1) if narration.includes(page)]
    cut = {page for page in selected if page in pages and pages[page].is_cut}
    speakable = [page for page in selected if page in cut and pages[page].utterances]
    needed = page_format_of(narration.audiobook)
    serving = serving_audios(narration, pages, audios, {needed})
    ready = {
        audio.page: audio.audio_id
        for audio in sorted(serving, key=lambda audio: audio.ready_at or "")
        if audio.is_ready
    }
    if not speakable or len(cut) < len(selected) or not ready.keys() >= set(speakable):
        return None
    return AudiobookContents(
        title=document.title,
        author=document.author,
        language=document.language or UNDETERMINED,
        chapters=document.chapters,
        cover=document.cover,
        pages=tuple(AudiobookPage(page=page, audio_id=ready[page]) for page in speakable),
    )


def serving_audios(
    narration: NarrationRow,
    pages: Mapping[int, PageRow],
    audios: Iterable[AudioRow],
    formats: set[PageFormat],
) -> Iterator[AudioRow]:
    """Yield the audios that serve a narration, of those of its document.

    They have the page's text as it is now, sound as was asked for and have ``formats``.
    """
    for audio in audios:
        page = pages.get(audio.page)
        current = page is not None and audio.revision == page.revision
        if current and audio.spoken_as == narration.spoken_as and formats <= set(audio.formats):
            yield audio


def _audio_requested(page: RequestedPage) -> AudioRequested:
    return AudioRequested(
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
        formats=page.formats,
    )
