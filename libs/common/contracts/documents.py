"""Documents and their pages: handed in, read, edited, cut for speaking, deleted."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import REVISION, DocumentEvent, ObjectRef, PageNumber
from libs.common.contracts.details import FAILURE, SourceKind, details_in
from libs.common.contracts.identifiers import Code, Language, MediaType

PAGE_TEXT = details_in("PageText")


class DocumentSubmitted(DocumentEvent):
    """Somebody handed in a document; an uploaded file is already in storage."""

    topic = "document.submitted"
    producer = "gateway"

    kind: SourceKind
    details: ObjectRef = Field(description=details_in("SubmittedDocument"))


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
    text: ObjectRef = Field(description=PAGE_TEXT)
    characters: int = Field(ge=0, description="Of its Markdown.")
    language: Language


class DocumentParsed(DocumentEvent):
    """All pages of a document were extracted."""

    topic = "document.parsed"
    producer = "ingest"

    page_count: int = Field(ge=1)
    characters: int = Field(ge=1, description="Of the Markdown of all pages.")
    chapter_count: int = Field(ge=0, description="How many chapters were found.")
    language: Language
    media_type: MediaType
    details: ObjectRef = Field(description=details_in("ParsedDocument"))


class DocumentRejected(DocumentEvent):
    """A document cannot be read."""

    topic = "document.rejected"
    producer = "ingest"

    code: Code
    details: ObjectRef | None = Field(description=FAILURE)


class PageEdited(DocumentEvent):
    """Somebody with the right to do so replaced a page's text."""

    topic = "page.edited"
    producer = "gateway"

    page: PageNumber
    revision: int = Field(ge=1, description=REVISION)
    text: ObjectRef = Field(description=PAGE_TEXT)
    language: Language
    edited_by: UUID


class PageSegmented(DocumentEvent):
    """A page was cut into utterances."""

    topic = "page.segmented"
    producer = "segmenter"
    stream_name = "page/{document_id}/{page}"

    page: PageNumber
    revision: int = Field(ge=0, description=REVISION)
    segmented_page: ObjectRef = Field(description=details_in("SegmentedPage"))
    utterance_count: int = Field(ge=0)
    characters: int = Field(ge=0, description="Characters that will be spoken.")
    language: Language
