"""Documents and pages as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import (
    Chapter,
    DocumentTitle,
    ParsedDocument,
    SourceKind,
    SubmittedDocument,
    title_of,
)
from libs.common.contracts.pages import PageRange
from services.gateway.documents.reading_order import ReadingOrder


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """A document that was submitted and is not deleted.

    ``submitted``, ``renamed`` and ``parsed`` are the details of its events, None if the objects are
    lost.
    """

    document_id: UUID
    owner_id: UUID
    source_kind: SourceKind
    submitted: SubmittedDocument | None
    submitted_at: str
    renamed: DocumentTitle | None = None
    renamed_revision: int | None = None
    language: str | None
    media_type: str | None
    page_count: int | None
    characters: int | None
    parsed: ParsedDocument | None
    parsed_at: str | None
    retried_attempt: int | None = None
    retried_at: str | None = None
    rejected_attempt: int | None = None
    last_added: int | None = None
    reordered_revision: int | None = None
    page_order: tuple[PageRange, ...] | None = None
    reordered_at: str | None = None
    rejected_code: str | None
    rejected_reason: str | None
    rejected_at: str | None
    given_up_code: str | None
    given_up_reason: str | None
    given_up_at: str | None

    @property
    def is_rejected(self) -> bool:
        """Whether it could not be read. If its submission was given up, it may be read later."""
        if self.rejected_at is None or self.parsed_at is not None:
            return False
        return (self.rejected_attempt or 1) >= self.attempt

    @property
    def is_given_up(self) -> bool:
        """Whether nobody will say what it says, or that it cannot be read."""
        if self.given_up_at is None or self.parsed_at is not None:
            return False
        return self.retried_at is None or self.given_up_at > self.retried_at

    @property
    def attempt(self) -> int:
        """Which attempt to read it is the last one."""
        return self.retried_attempt or 1

    @property
    def revision(self) -> int:
        """The revision of its title: 0 as it was handed in, and 1 more each time."""
        return self.renamed_revision or 0

    @property
    def pages_total(self) -> int | None:
        """How many pages it has, with those that were added; None while it is read."""
        return None if self.page_count is None else max(self.page_count, self.last_added or 0)

    @property
    def reading_order(self) -> ReadingOrder:
        """How its pages are read, as far as they are known."""
        return ReadingOrder(self.page_order, self.page_count or 0, self.pages_total or 0)

    @property
    def order_revision(self) -> int:
        """The revision of the order of its pages: 0 by their numbers, and 1 more each time."""
        return self.reordered_revision or 0

    @property
    def source_name(self) -> str | None:
        """The file name or web address that it came under."""
        return (self.submitted.filename or self.submitted.url) if self.submitted else None

    @property
    def title(self) -> str:
        """As given by its owner, last of all, else as found in it, else the name it came under."""
        renamed = self.renamed.title if self.renamed else None
        given = self.submitted.title if self.submitted else None
        found = self.parsed.title if self.parsed else None
        return title_of(renamed, given, found, self.source_name)

    @property
    def author(self) -> str | None:
        """As found in it."""
        return self.parsed.author if self.parsed else None

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """Its table of contents, in the order in which it is read."""
        found = self.parsed.chapters if self.parsed else ()
        return self.reading_order.chapters(found)

    @property
    def cover(self) -> ObjectRef | None:
        """The picture that was found in it."""
        return self.parsed.cover if self.parsed else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about parts that could not be read."""
        return self.parsed.warnings if self.parsed else ()

    def chapter_title(self, page: int) -> str | None:
        """Return the title of the chapter that a page lies in."""
        found = self.parsed.chapters if self.parsed else ()
        return self.reading_order.chapter_title(found, page)


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """Where a page stands. ``revision`` 0 is its text as it was read; each edit adds 1."""

    page: int
    extracted_characters: int | None
    edited_revision: int | None
    segments_revision: int | None
    segments_characters: int | None
    utterances: int | None
    failed_code: str | None
    failed_reason: str | None

    @property
    def revision(self) -> int:
        """The revision of its text as it is now."""
        return self.edited_revision or 0

    @property
    def is_extracted(self) -> bool:
        """Whether its text was found; events about it may come sooner."""
        return self.extracted_characters is not None

    @property
    def is_cut(self) -> bool:
        """Whether its text as it is now was cut into utterances."""
        return self.segments_revision == self.revision


@dataclass(frozen=True, kw_only=True)
class PageTextRow(PageRow):
    """A page and where its text is."""

    document_id: UUID
    language: str | None
    extracted: ObjectRef
    edited: ObjectRef | None
    segments: ObjectRef | None

    @property
    def text(self) -> ObjectRef:
        """Its Markdown as it is now."""
        return self.edited or self.extracted
