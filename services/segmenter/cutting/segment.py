"""Markdown of one page in, utterances out: the order of the steps, and the silences between.

``passages`` finds the passages; for each, ``inline`` takes off the marks, ``normalize`` writes out
what is abbreviated, ``characters`` drops what cannot be spoken, ``sentences`` cuts, ``spans`` says
where every word came from. A passage is read without looking at any other, so that an edit changes
the utterances of its own paragraph only.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from libs.common.contracts.identifiers import as_language
from libs.common.contracts.speech.utterances import Block, SegmentedPage, Span
from services.segmenter.cutting.sentences import FEWEST_CHARACTERS, cuts
from services.segmenter.cutting.spans import Quad, SpanReader, state_omissions
from services.segmenter.markdown.content import Content
from services.segmenter.markdown.elements import Marker, Outline, Passage, PassagePart
from services.segmenter.markdown.inline import copy, read_inline
from services.segmenter.markdown.passages import outline_of
from services.segmenter.markdown.reading_style import Pauses, ReadingStyle
from services.segmenter.markdown.table_rows import LONGEST_NAME
from services.segmenter.wording.aligned import Aligned, Draft, Omitted
from services.segmenter.wording.characters import (
    dropping,
    is_speakable,
    plain,
    spacing,
    unemphasized,
)
from services.segmenter.wording.languages import vocabulary_for
from services.segmenter.wording.normalize import spoken_edits
from services.segmenter.wording.paragraph_language import (
    language_of,
    language_of_page,
    load_language_model,
)
from services.segmenter.wording.vocabulary import Vocabulary

__all__ = ["Pauses", "ReadingStyle", "segment_page", "warm_up"]

_LONGEST_LABEL: Final = 6
_SPAN_FIELDS: Final = tuple(Span.model_fields)


class _Spoken(NamedTuple):
    """An utterance before its silence is known."""

    text: str
    spans: list[Quad]
    passage: Passage
    language: str
    finished: bool


def segment_page(
    markdown: str,
    language: str,
    max_characters: int = 600,
    pauses: Pauses = Pauses(),  # noqa: B008 - frozen
    reading: ReadingStyle = ReadingStyle(),  # noqa: B008 - frozen
) -> SegmentedPage:
    """Cut a page into what is spoken in one call each, at most ``max_characters`` long.

    ``language`` is the page's BCP 47 tag, or "und". A page with nothing to say has no utterances.

    Raises:
        ValueError: ``max_characters`` is smaller than :data:`FEWEST_CHARACTERS`.
    """
    if max_characters < FEWEST_CHARACTERS:
        raise ValueError(f"max_characters must be at least {FEWEST_CHARACTERS}")
    source = markdown.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\ufffd")
    language = as_language(language_of_page(source, language))
    outline = outline_of(source, reading)
    speaker = _Speaker(outline=outline, language=language, reading=reading, limit=max_characters)
    spoken = [utterance for passage in outline.passages for utterance in speaker.speak(passage)]
    covered = [span[2:] for utterance in spoken for span in utterance.spans]
    return SegmentedPage.model_validate(
        {
            "title": None,
            "language": language,
            "utterances": list(_with_pauses(spoken, pauses)),
            "omissions": state_omissions(source, outline.omitted, covered),
        }
    )


def warm_up() -> None:
    """Load what the first page would wait for: the language model and the compiled patterns."""
    load_language_model()
    for tag in ("en", "de", "fr", "es"):
        segment_page("# I\n\nMr. A has [1](b) `c` & 2 km.\n\n| a | b |\n|--|--|\n| c | d |\n", tag)


class _Speaker:
    """Turns the passages of one page into utterances."""

    def __init__(
        self, *, outline: Outline, language: str, reading: ReadingStyle, limit: int
    ) -> None:
        self._outline = outline
        self._language = language
        self._reading = reading
        self._limit = limit
        self._names: dict[tuple[int, str], str] = {}

    def speak(self, passage: Passage) -> Iterator[_Spoken]:
        sample = " ".join(part.content.text[:1200] for part in passage.parts)
        language = language_of(sample, self._language)
        omitted = self._outline.omitted
        spoken = self._compose(passage, language)
        if not passage.literal:
            spoken = spoken.edited(unemphasized(spoken.text))
            heading = passage.block is Block.HEADING
            spoken = spoken.edited(spoken_edits(spoken.text, language, heading=heading))
        spoken = spoken.edited(dropping(spoken.text), omitted)
        spoken = spoken.edited(spacing(spoken.text))
        reader = SpanReader(spoken)
        for start, end, finished in cuts(spoken, language, self._limit):
            spans = reader.spans(start, end)
            yield _Spoken(spoken.text[start:end], spans, passage, language, finished)

    def _compose(self, passage: Passage, language: str) -> Aligned:
        words = vocabulary_for(language)
        draft = Draft()
        if passage.marker and (announced := _announcement(passage.marker, words)):
            start, end = passage.marker.start, passage.marker.end
            follows = bool(passage.parts)
            draft.add(announced, start, end, leads=follows)
            draft.add(" " if follows else "", end, end, leads=follows)
        first = True
        for part in passage.parts:
            text = self._part(part, words, passage.literal)
            if not is_speakable(text.text):
                continue
            origin = part.content.start
            if not first:
                draft.add(" " if draft.ends_phrase else ", ", origin, origin)
            first = False
            if part.header and (name := self._name(part.header, words)):
                draft.add(f"{name}:", origin, origin, leads=True)
                draft.add(" ", origin, origin, leads=True)
            draft.append(text)
        return draft.finish()

    def _part(self, part: PassagePart, words: Vocabulary, literal: bool) -> Aligned:
        draft = Draft()
        if literal:
            copy(part.content, 0, len(part.content.text), draft)
        else:
            self._inline(part.content, draft, self._outline.omitted, words)
        return draft.finish()

    def _inline(
        self, content: Content, draft: Draft, omitted: list[Omitted], words: Vocabulary
    ) -> None:
        hosts = self._reading.links == "host"
        references = self._outline.references
        read_inline(content, draft, omitted, references=references, link=words.link, hosts=hosts)

    def _name(self, header: Content, words: Vocabulary) -> str:
        """Return a column's name as it is spoken before each cell; empty if that is too long."""
        key = (header.start, words.language)
        if key not in self._names:
            draft = Draft()
            self._inline(header, draft, [], words)
            name = plain(draft.finish().text).strip().rstrip(":")
            self._names[key] = name if len(name) <= LONGEST_NAME else ""
        return self._names[key]


def _announcement(marker: Marker, words: Vocabulary) -> str:
    match marker.kind:
        case "number":
            return marker.text
        case "footnote":
            short = marker.text.isdigit() and len(marker.text) <= _LONGEST_LABEL
            label = f"{words.footnote} {marker.text}" if short else words.footnote
            return f"{label.strip()}." if label else ""
        case "code":
            return words.code
        case "done":
            return words.done
        case "to_do":
            return words.to_do


def _with_pauses(spoken: Sequence[_Spoken], pauses: Pauses) -> Iterator[dict[str, Any]]:
    """Yield the fields of each utterance: pydantic builds them all at once in half the time."""
    for index, current in enumerate(spoken):
        following = spoken[index + 1] if index + 1 < len(spoken) else None
        yield {
            "index": index,
            "text": current.text,
            "block": current.passage.block,
            "language": current.language,
            "source_start": current.spans[0][2],
            "source_end": current.spans[-1][3],
            "pause_ms": _pause(current, following, pauses),
            "spans": [dict(zip(_SPAN_FIELDS, span, strict=True)) for span in current.spans],
        }


def _pause(current: _Spoken, following: _Spoken | None, pauses: Pauses) -> int:
    if following is None:
        return pauses.page
    if following.passage is current.passage:
        return pauses.sentence if current.finished else pauses.clause
    if current.passage.scene_ends:
        return pauses.scene
    around = {current.passage.block, following.passage.block}
    if Block.HEADING in around:
        return pauses.heading
    if len(around) == 1 and around & {Block.LIST_ITEM, Block.TABLE, Block.CODE}:
        return pauses.list_item
    return pauses.paragraph
