"""What people send: narrations and submissions."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, HttpUrl, model_validator

from libs.common.contracts.formats import AudiobookFormat, PageFormat, page_format_of
from libs.common.contracts.pages import (
    PageRange,
    SomePages,
    merged,
    page_ranges,
    read_ranges,
)
from services.gateway.http.models import RequestBody
from services.gateway.narrations.options import (
    USUAL_FORMAT,
    NarrationOptions,
)
from services.gateway.preferences.rates import SteppedRate

MAX_PAGES = 100_000
MAX_NUMBERS = 500
"""Pages that are listed one by one; more of them are written as ranges."""


def asked_ranges(value: object) -> object:
    """Turn ``"1-5,8"`` or page numbers into ranges, which they stay; ranges are left as they are.

    Raises:
        ValueError: It is no list of pages, or has too many parts.
    """
    if isinstance(value, str):
        return ranges_of(value)
    if isinstance(value, list):
        if len(value) > MAX_NUMBERS:
            raise ValueError(f"list at most {MAX_NUMBERS} pages, or write ranges")
        if not all(type(page) is int and 1 <= page <= MAX_PAGES for page in value):
            raise ValueError(f"pages go from 1 to {MAX_PAGES}")
        return page_ranges(value)
    return value


def ranges_of(text: str) -> tuple[PageRange, ...]:
    """Read ranges such as ``"1-5,8"``, in any order.

    Raises:
        ValueError: It is no list of pages, or has more than :data:`MAX_RANGES` parts.
    """
    return merged(read_ranges(text, MAX_PAGES))


ListedPages = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_PAGES)]], Field(min_length=1, max_length=MAX_NUMBERS)
]
WrittenPages = Annotated[str, Field(pattern=r"^ *[0-9]{1,6}( *- *[0-9]{1,6})? *(, *[0-9]|$)")]
Pages = Annotated[
    SomePages,
    Field(description='Numbers, or a text such as "1-5,8".'),
    BeforeValidator(asked_ranges, json_schema_input_type=ListedPages | WrittenPages),
]


class NarrationRequest(RequestBody):
    """Which pages (null: all), how, and whether as one file too.

    Engine, voice and rate that are null are as you prefer, else as the site has them.
    """

    pages: Pages | None = None
    engine: str | None = Field(default=None, max_length=50)
    voice: str | None = Field(default=None, max_length=200)
    rate: SteppedRate | None = None
    format: PageFormat = USUAL_FORMAT
    audiobook: AudiobookFormat | None = None

    def options(self) -> NarrationOptions:
        """Return it as commands take it."""
        return NarrationOptions(
            pages=self.pages,
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
    rate: SteppedRate | None = None
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
