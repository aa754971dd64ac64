"""What people see of documents and pages."""

from typing import Literal
from uuid import UUID

from pydantic import Field, computed_field

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.pages import page_runs, ranges_as_text
from services.gateway.documents.rows import DocumentRow, PageRow, PageTextRow
from services.gateway.kernel.views import Failure, Moment, View, failure

DocumentState = Literal["submitted", "reading", "ready", "rejected"]
PageState = Literal["read", "speakable", "silent", "failed"]


class DocumentView(View):
    """A document. ``pages_total`` is null until all of it was read.

    ``revision`` is that of the title: 0 as it was handed in, and 1 more each time it is renamed.
    ``attempt`` says how often it was tried to read it, which only counts what somebody asked for.
    ``chapters`` and ``warnings`` are how many there are; each has a list of its own.
    """

    document_id: UUID
    state: DocumentState
    title: str
    revision: int
    attempt: int
    author: str | None
    language: str | None
    source_kind: str
    source_name: str | None
    media_type: str | None
    submitted_at: Moment
    pages_ready: int
    pages_total: int | None
    characters: int | None
    chapters: int
    warnings: int
    cover_object: ObjectRef | None = Field(exclude=True)
    failure: Failure | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cover(self) -> bool:
        """Whether a cover was found in the document."""
        return self.cover_object is not None


class PageOrderView(View):
    """How the pages of a document are read: their numbers, as runs such as `1-3,7,4-6`."""

    document_id: UUID
    revision: int
    pages: str
    pages_total: int


class PageView(View):
    """A page. ``revision`` is 0 as it was extracted or added; each edit adds 1.

    ``page`` is its number, which it keeps; ``position`` is which one it is as they are read.
    """

    document_id: UUID
    page: int
    position: int
    title: str | None
    language: str | None
    characters: int | None
    revision: int
    state: PageState
    failure: Failure | None
    text_object: ObjectRef = Field(exclude=True)
    segments_object: ObjectRef | None = Field(exclude=True)


def document_view(row: DocumentRow, pages_ready: int) -> DocumentView:
    """Return a document from its row and the number of its pages that can be read."""
    rejection = rejection_of(row)
    state: DocumentState = "reading" if pages_ready else "submitted"
    if row.parsed_at:
        state = "ready"
    if rejection:
        state = "rejected"
    return DocumentView(
        document_id=row.document_id,
        state=state,
        title=row.title,
        revision=row.revision,
        attempt=row.attempt,
        author=row.author,
        language=row.language,
        source_kind=row.source_kind,
        source_name=row.source_name,
        media_type=row.media_type,
        submitted_at=row.submitted_at,
        pages_ready=pages_ready,
        pages_total=row.pages_total,
        characters=row.characters,
        chapters=len(row.chapters),
        warnings=len(row.warnings),
        cover_object=row.cover,
        failure=rejection,
    )


def rejection_of(row: DocumentRow) -> Failure | None:
    """Return why the document could not be read, if it could not."""
    if row.is_rejected:
        return failure(row.rejected_code, row.rejected_reason)
    if row.is_given_up:
        return failure(row.given_up_code, row.given_up_reason)
    return None


def page_view(row: PageTextRow, document: DocumentRow) -> PageView:
    """Return a page from its row and that of its document."""
    state, reason = page_state(row)
    found = None if row.edited else row.extracted_characters
    return PageView(
        document_id=row.document_id,
        page=row.page,
        position=document.reading_order.position(row.page),
        title=document.chapter_title(row.page),
        language=row.language,
        characters=row.segments_characters if state == "speakable" else found,
        revision=row.revision,
        state=state,
        failure=reason,
        text_object=row.text,
        segments_object=row.segments if row.is_cut else None,
    )


def page_order_view(row: DocumentRow) -> PageOrderView:
    """Return how the pages of a document are read, of those that are known."""
    return PageOrderView(
        document_id=row.document_id,
        revision=row.order_revision,
        pages=ranges_as_text(page_runs(row.reading_order.pages)),
        pages_total=row.pages_total or 0,
    )


def page_state(row: PageRow) -> tuple[PageState, Failure | None]:
    """Return the state of an extracted page, and why it failed if it did."""
    if row.is_cut:
        return "speakable" if row.utterances else "silent", None
    if row.failed_code is None:
        return "read", None
    return "failed", failure(row.failed_code, row.failed_reason)
