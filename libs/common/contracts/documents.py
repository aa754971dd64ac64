"""Documents and their pages: handed in, read, edited, cut for speaking, deleted."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DocumentEvent, ObjectRef, PageNumber
from libs.common.contracts.details import SourceKind
from libs.common.contracts.identifiers import UNDETERMINED, Code, Language, MediaType

PAGE_TEXT = "A libs.common.contracts.details.PageText as JSON."


class DocumentSubmitted(DocumentEvent):
    """Somebody handed in a document; an uploaded file is already in storage."""

    topic = "document.submitted"
    producer = "gateway"

    kind: SourceKind
    details: ObjectRef = Field(
        description="A libs.common.contracts.details.SubmittedDocument as JSON."
    )


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
    language: Language = UNDETERMINED


class DocumentParsed(DocumentEvent):
    """All pages of a document were extracted."""

    topic = "document.parsed"
    producer = "ingest"

    pages: int = Field(ge=1)
    characters: int = Field(ge=1)
    chapters: int = Field(default=0, ge=0, description="How many chapters were found.")
    language: Language = UNDETERMINED
    media_type: MediaType = "application/octet-stream"
    details: ObjectRef = Field(
        description="A libs.common.contracts.details.ParsedDocument as JSON."
    )


class DocumentRejected(DocumentEvent):
    """A document cannot be read."""

    topic = "document.rejected"
    producer = "ingest"

    code: Code
    details: ObjectRef | None = Field(
        default=None, description="A libs.common.contracts.details.FailureDetails as JSON."
    )


class PageEdited(DocumentEvent):
    """Somebody with the right to do so replaced a page's text."""

    topic = "page.edited"
    producer = "gateway"

    page: PageNumber
    revision: int = Field(ge=1, description="0 is what ingest extracted; each edit adds 1.")
    text: ObjectRef = Field(description=PAGE_TEXT)
    language: Language
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
    language: Language = UNDETERMINED
