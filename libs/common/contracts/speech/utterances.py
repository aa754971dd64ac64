"""How a page is cut for speaking: the document that the segmenter stores and synth speaks.

All offsets are half-open ranges of Unicode code points. ``source`` offsets point into the page's
Markdown as it is stored and shown; ``spoken`` offsets point into :attr:`Utterance.text`.
"""

from enum import StrEnum

from pydantic import Field

from libs.common.contracts.base import Count, Value
from libs.common.contracts.details import Details
from libs.common.contracts.identifiers import Code, Language


class Block(StrEnum):
    """What part of a page an utterance comes from."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    QUOTE = "quote"
    TABLE = "table"
    CODE = "code"
    FOOTNOTE = "footnote"


class Span(Value):
    """One run of spoken text and the run of the page that it stands for."""

    spoken_start: Count
    spoken_end: Count
    source_start: Count
    source_end: Count


class Utterance(Value):
    """The unit of speech: at most one sentence, spoken in one call, followed by a pause."""

    index: Count = Field(description="Position on the page, from 0, without gaps.")
    text: str = Field(min_length=1, description="What is spoken, after expansion.")
    block: Block
    language: Language = Field(description="Of the paragraph, BCP 47.")
    source_start: Count
    source_end: Count
    pause_ms: Count = Field(description="Silence after the utterance, in milliseconds.")
    spans: tuple[Span, ...] = Field(
        description="Spoken to source, ascending, covering every spoken word."
    )


class Omission(Value):
    """A run of the page that is not spoken, and why."""

    source_start: Count
    source_end: Count
    reason: Code = Field(description="What it is: html, an image, and so on.")


class SegmentedPage(Details):
    """Everything synth needs to speak one page. Stored as JSON next to the page's text."""

    title: str | None = Field(description="Heading of the chapter it is in.")
    language: Language = Field(description="Of most of it, BCP 47.")
    utterances: tuple[Utterance, ...]
    omissions: tuple[Omission, ...]

    @property
    def characters(self) -> int:
        """Spoken characters: the sum of the lengths of the utterances' texts."""
        return sum(len(utterance.text) for utterance in self.utterances)
