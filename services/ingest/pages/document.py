"""What a parser says about a document: pages in reading order, then one Metadata."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A unit of listening.

    ``number`` counts from 1 without gaps. ``markdown`` is NFC, free of control characters other
    than newline and tab, and never has more than two newlines in a row. ``title`` is the chapter
    that the page lies in. ``language`` is a BCP 47 primary subtag, ``und`` when unknown.
    """

    number: int
    markdown: str
    title: str | None = None
    language: str = "und"


@dataclass(frozen=True, slots=True)
class ParsedChapter:
    """A stretch of whole pages, up to the next chapter. ``level`` counts from 1, the outermost."""

    title: str
    first_page: int
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known about the document as a whole once its last page was read.

    ``media_type`` is that of the content, whatever the file was called. ``cover`` is the picture
    as stored in the document, not checked to be one. ``warnings`` are sentences for the owner about
    parts that could not be read.
    """

    title: str
    author: str | None = None
    language: str = "und"
    media_type: str = "application/octet-stream"
    cover: bytes | None = None
    chapters: tuple[ParsedChapter, ...] = ()
    warnings: tuple[str, ...] = ()


Item = Page | Metadata
