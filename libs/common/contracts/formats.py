"""Formats: what pages and audiobooks can be had as, and what objects are on the web."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

PageFormat = Literal["m4a", "mp3", "opus"]
AudiobookFormat = Literal["m4b", "mp3", "opus"]
MAX_FORMATS = 20
PageFormats = Annotated[tuple[PageFormat, ...], Field(min_length=1, max_length=MAX_FORMATS)]
MIN_RATE, MAX_RATE = 0.5, 3.0
Rate = Annotated[
    float, Field(ge=MIN_RATE, le=MAX_RATE, description="Speaking rate; 1.0 is normal.")
]

MEDIA_TYPES: Mapping[str, str] = {
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
}
"""IANA media types, by format; the parameter is that of RFC 6381, as players ask for it."""

MARKDOWN = "text/markdown; charset=utf-8"
"""The text of a page (RFC 7763)."""
CAPTIONS = "text/vtt; charset=utf-8"
"""The captions of a page's audio."""
TIMINGS = "application/json"
"""When each sentence and word of a page is heard."""


def page_format_of(audiobook: AudiobookFormat) -> PageFormat:
    """Return the format of the pages that an audiobook is made of."""
    return "m4a" if audiobook == "m4b" else audiobook
