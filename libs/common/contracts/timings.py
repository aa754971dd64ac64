"""When each sentence and word of a page is heard: what players read beside the audio.

Times are milliseconds from the beginning of the audio. ``source`` offsets are code points of the
page's Markdown as it is shown. All ranges are half-open.
"""

from pydantic import Field

from libs.common.contracts.base import Value
from libs.common.contracts.details import Details


class TimedSentence(Value):
    """An utterance in time and on the page."""

    index: int = Field(ge=0, description="Of the utterance on the page, from 0.")
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    source_start: int = Field(ge=0)
    source_end: int = Field(ge=0)


class TimedWord(Value):
    """A word in time and on the page."""

    sentence: int = Field(ge=0, description="The index of the utterance it is in.")
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    source_start: int = Field(ge=0)
    source_end: int = Field(ge=0)


class Timings(Details):
    """Sentences and words in the order in which they are heard; times never overlap."""

    duration_ms: int = Field(ge=0, description="Length of the audio.")
    sentences: tuple[TimedSentence, ...]
    words: tuple[TimedWord, ...] = Field(description="None where the engine does not tell.")
