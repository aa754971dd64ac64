"""What people send: narrations and submissions."""

import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, HttpUrl, model_validator

from libs.common.contracts.formats import AudiobookFormat, PageFormat, Rate, page_format_of
from libs.common.contracts.pages import MAX_RANGES
from services.gateway.http.models import RequestBody
from services.gateway.narrations.options import NORMAL_RATE, USUAL_FORMAT, NarrationOptions

MAX_PAGES = 100_000
_RANGE = re.compile(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?")


def page_numbers(value: object) -> object:
    """Turn ``"1-5,8"`` into page numbers; anything else is left for pydantic to judge.

    Raises:
        ValueError: It is a text and no list of ranges.
    """
    if not isinstance(value, str):
        return value
    parts = value.split(",")
    if len(parts) > MAX_RANGES:
        raise ValueError(f"write pages in at most {MAX_RANGES} ranges")
    bounds = sorted(map(_bounds, parts))
    return [page for first, last in joined(bounds) for page in range(first, last + 1)]


def _bounds(part: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise ValueError("write pages as 1-5,8")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if not 1 <= first <= last <= MAX_PAGES:
        raise ValueError(f"pages go from 1 to {MAX_PAGES}, the smaller number first")
    return first, last


def joined(bounds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ascending ``bounds`` without overlaps, so that each page is counted out once."""
    joined: list[tuple[int, int]] = []
    for first, last in bounds:
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


Pages = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_PAGES)], ...],
    Field(min_length=1, max_length=MAX_PAGES, description='Numbers, or a text such as "1-5,8".'),
    BeforeValidator(page_numbers, json_schema_input_type=list[int] | str),
]


class NarrationRequest(RequestBody):
    """Which pages (null: all), how, and whether as one file too."""

    pages: Pages | None = None
    engine: str | None = Field(default=None, max_length=50)
    voice: str | None = Field(default=None, max_length=200)
    rate: Rate = NORMAL_RATE
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None

    def options(self) -> NarrationOptions:
        """Return it as commands take it."""
        pages = None if self.pages is None else tuple(sorted(set(self.pages)))
        return NarrationOptions(
            pages=pages,
            engine=self.engine,
            voice=self.voice,
            rate=self.rate,
            format=self.format,
            audiobook=self.audiobook,
        )


class AudiobookRequest(RequestBody):
    """How the whole document is to sound as one file."""

    engine: str | None = Field(default=None, max_length=50)
    voice: str | None = Field(default=None, max_length=200)
    rate: Rate = NORMAL_RATE
    format: AudiobookFormat = "m4b"

    def options(self) -> NarrationOptions:
        """Return it as commands take it: all pages, in the format that the file is made from."""
        return NarrationOptions(
            engine=self.engine,
            voice=self.voice,
            rate=self.rate,
            format=page_format_of(self.format),
            audiobook=self.format,
        )


class SubmitRequest(RequestBody):
    """A web address or a text, and perhaps a narration of it."""

    url: HttpUrl | None = None
    text: str | None = None
    title: str | None = Field(default=None, max_length=1000)
    narrate: NarrationRequest | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.url is None) == (self.text is None):
            raise ValueError("give either url or text")
        return self
