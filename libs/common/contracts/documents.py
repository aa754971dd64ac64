"""Documents and their pages: handed in, read, edited, cut for speaking, deleted."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DocumentEvent, ObjectRef, PageNumber, Value

MAX_TITLE_CHARACTERS = 255
UNTITLED = "Untitled"


def title_of(*candidates: str | None) -> str:
    """Return the title of a document: the first candidate that says anything, cut to fit."""
    titles = (title.strip() for title in candidates if title is not None)
    return next((title for title in titles if title), UNTITLED)[:MAX_TITLE_CHARACTERS]


class Chapter(Value):
    """A stretch of whole pages with a title of its own."""

    title: str
    first_page: PageNumber
    level: int = Field(default=1, ge=1, description="Depth in the table of contents, from 1.")


class Source(Value):
    """Where a document comes from. Exactly one of ``object`` and ``url`` is set."""

    kind: Literal["file", "url", "text"]
    object: ObjectRef | None = None
    url: str | None = None
    filename: str | None = None


class DocumentSubmitted(DocumentEvent):
    """Somebody handed in a document; an uploaded file is already in storage."""

    topic = "document.submitted"
    producer = "gateway"

    owner_id: UUID
    source: Source
    title: str | None = Field(default=None, description="As given by the owner; else found.")


class DocumentDeleted(DocumentEvent):
    """The owner deleted a document; everything made from it goes too."""

    topic = "document.deleted"
    producer = "gateway"

    deleted_by: UUID


class PageExtracted(DocumentEvent):
    """A page's text was found; pages are announced in order, while the rest is still read."""

    topic = "page.extracted"
    producer = "ingest"

    page: PageNumber
    text: ObjectRef = Field(description="Markdown, UTF-8.")
    characters: int = Field(ge=0)
    language: str = "und"
    title: str | None = Field(default=None, description="Heading of the chapter it is in.")


class DocumentParsed(DocumentEvent):
    """All pages of a document were extracted."""

    topic = "document.parsed"
    producer = "ingest"

    pages: int = Field(ge=1)
    characters: int = Field(ge=1)
    title: str
    author: str | None = None
    language: str = "und"
    media_type: str = "application/octet-stream"
    chapters: tuple[Chapter, ...] = ()
    cover: ObjectRef | None = None
    warnings: tuple[str, ...] = ()


class DocumentRejected(DocumentEvent):
    """A document cannot be read; ``reason`` is a sentence for its owner."""

    topic = "document.rejected"
    producer = "ingest"

    code: str
    reason: str


class PageEdited(DocumentEvent):
    """Somebody with the right to do so replaced a page's text."""

    topic = "page.edited"
    producer = "gateway"

    page: PageNumber
    revision: int = Field(ge=1, description="0 is what ingest extracted; each edit adds 1.")
    text: ObjectRef = Field(description="Markdown, UTF-8.")
    language: str
    edited_by: UUID


class PageSegmented(DocumentEvent):
    """A page was cut into utterances."""

    topic = "page.segmented"
    producer = "segmenter"
    stream_name = "page/{document_id}/{page}"

    page: PageNumber
    revision: int = Field(default=0, ge=0)
    segments: ObjectRef = Field(
        description="A libs.common.contracts.utterances.SegmentedPage as JSON."
    )
    utterances: int = Field(ge=0)
    characters: int = Field(ge=0, description="Characters that will be spoken.")
    language: str = "und"
