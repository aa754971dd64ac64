"""What a page consists of, as far as reading it aloud is concerned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from libs.common.contracts.speech.utterances import Block
from services.segmenter.markdown.content import Content
from services.segmenter.wording.aligned import Omitted


class Marker(NamedTuple):
    """Markup that is announced in words: the number of an item, the label of a note, code."""

    kind: Literal["number", "footnote", "code", "done", "to_do"]
    start: int
    end: int
    text: str = ""


class PassagePart(NamedTuple):
    """A stretch of a passage; ``header`` is the name of its column in a table."""

    content: Content
    header: Content | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is read in one go. ``literal`` text is code; ``note`` comes at the end of the page."""

    block: Block
    parts: tuple[PassagePart, ...] = ()
    marker: Marker | None = None
    literal: bool = False
    note: bool = False
    scene_ends: bool = False

    @property
    def start(self) -> int:
        """Where in the page it begins."""
        return self.marker.start if self.marker else self.parts[0].content.start


@dataclass(frozen=True, slots=True)
class Outline:
    """The passages of a page in the order of reading, and what is left out between them."""

    passages: Sequence[Passage]
    omitted: list[Omitted]
    references: frozenset[str]
