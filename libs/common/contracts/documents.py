"""Documents and their pages: handed in, read, edited, cut for speaking, deleted."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import (
    DELETED_BY,
    REVISION,
    Count,
    DocumentEvent,
    ObjectRef,
    PageCount,
    PageNumber,
)
from libs.common.contracts.details import (
    UNSTORED,
    DocumentTitle,
    FailureDetails,
    PageText,
    ParsedDocument,
    SourceKind,
    SubmittedDocument,
    details_ref,
)
from libs.common.contracts.identifiers import Code, Language, MediaType
from libs.common.contracts.pages import PageRuns
from libs.common.contracts.speech.utterances import SegmentedPage

OF_MARKDOWN = "Characters of the Markdown that is stored and shown."


class DocumentSubmitted(DocumentEvent):
    """Somebody handed in a document; an uploaded file is already in storage."""

    topic = "document.submitted"
    producer = "gateway"

    source_kind: SourceKind = Field(description="What came: a file, a web address or a text.")
    details: ObjectRef = details_ref(SubmittedDocument)


class DocumentRetried(DocumentEvent):
    """Somebody asked to have a document read again that could not be read."""

    topic = "document.retried"
    producer = "gateway"

    attempt: int = Field(ge=2, le=2**31 - 1, description="1 more each time; the first one was 1.")
    source_kind: SourceKind = Field(description="What came: a file, a web address or a text.")
    details: ObjectRef = details_ref(SubmittedDocument)
    retried_by: UUID = Field(description="Who asked.")


class DocumentRenamed(DocumentEvent):
    """Somebody with the right to do so gave a document another title."""

    topic = "document.renamed"
    producer = "gateway"

    revision: int = Field(
        ge=1, le=2**31 - 1, description="Of the title: 1 more each time, 0 as it was handed in."
    )
    details: ObjectRef = details_ref(DocumentTitle)
    renamed_by: UUID = Field(description="Who renamed it.")


class DocumentDeleted(DocumentEvent):
    """A document was deleted; everything made from it goes too."""

    topic = "document.deleted"
    producer = "gateway"

    deleted_by: UUID | None = Field(description=DELETED_BY)


class PageExtracted(DocumentEvent):
    """A page's text was found; pages are announced in order, while the rest is still read."""

    topic = "page.extracted"
    producer = "ingest"

    page: PageNumber
    text: ObjectRef = details_ref(PageText)
    markdown_characters: Count = Field(description=OF_MARKDOWN)
    language: Language


class DocumentParsed(DocumentEvent):
    """All pages of a document were extracted."""

    topic = "document.parsed"
    producer = "ingest"

    page_count: PageCount = Field(description="How many pages were found.")
    markdown_characters: Count = Field(description="Of all pages.")
    chapter_count: Count = Field(description="How many chapters were found.")
    language: Language
    media_type: MediaType
    details: ObjectRef = details_ref(ParsedDocument)


class DocumentRejected(DocumentEvent):
    """A document cannot be read."""

    topic = "document.rejected"
    producer = "ingest"

    code: Code
    details: ObjectRef | None = details_ref(FailureDetails, UNSTORED)
    attempt: int = Field(default=1, ge=1, le=2**31 - 1, description="Which attempt to read it.")


class PageEdited(DocumentEvent):
    """Somebody with the right to do so replaced a page's text."""

    topic = "page.edited"
    producer = "gateway"

    page: PageNumber
    revision: int = Field(ge=1, le=2**31 - 1, description=REVISION)
    text: ObjectRef = details_ref(PageText)
    markdown_characters: Count = Field(description=OF_MARKDOWN)
    language: Language
    edited_by: UUID = Field(description="Who edited it.")


class PageAdded(DocumentEvent):
    """Somebody with the right to do so added a page; its number is the next one."""

    topic = "page.added"
    producer = "gateway"

    page: PageNumber
    text: ObjectRef = details_ref(PageText)
    markdown_characters: Count = Field(description=OF_MARKDOWN)
    language: Language
    added_by: UUID = Field(description="Who added it.")


class DocumentReordered(DocumentEvent):
    """Somebody with the right to do so put the pages of a document in another order.

    Pages keep their numbers, by which everything refers to them: ``order`` says how they are read.
    Those that it does not name come last, by their numbers.
    """

    topic = "document.reordered"
    producer = "gateway"

    revision: int = Field(ge=1, le=2**31 - 1, description="Of the order: 1 more each time.")
    order: PageRuns
    reordered_by: UUID = Field(description="Who did.")


class PageSegmented(DocumentEvent):
    """A page was cut into utterances."""

    topic = "page.segmented"
    producer = "segmenter"
    stream_name = "page/{document_id}/{page}"

    page: PageNumber
    revision: Count = Field(description=REVISION)
    segmented_page: ObjectRef = details_ref(SegmentedPage)
    utterance_count: Count = Field(description="How many utterances the page has.")
    characters: Count = Field(description="Characters that will be spoken.")
    language: Language
