"""When each utterance and word of a page is heard: what players read beside the audio.

Times are milliseconds from the beginning of the audio. ``source`` offsets are code points of the
page's Markdown as it is shown. All ranges are half-open.
"""

from pydantic import Field

from libs.common.contracts.base import Count, Value
from libs.common.contracts.details import Details


class TimedUtterance(Value):
    """An utterance in time and on the page."""

    index: Count = Field(description="Of the utterance on the page, from 0.")
    start_ms: Count
    end_ms: Count
    source_start: Count
    source_end: Count


class TimedWord(Value):
    """A word in time and on the page."""

    utterance: Count = Field(description="The index of the utterance it is in.")
    start_ms: Count
    end_ms: Count
    source_start: Count
    source_end: Count


class Timings(Details):
    """Utterances and words in the order in which they are heard; times never overlap."""

    duration_ms: Count = Field(description="Length of the audio.")
    utterances: tuple[TimedUtterance, ...]
    words: tuple[TimedWord, ...] = Field(description="Empty where the engine does not tell.")
