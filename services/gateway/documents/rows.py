"""Documents and pages as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import (
    Chapter,
    ParsedDocument,
    SourceKind,
    SubmittedDocument,
    title_of,
)


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """A document that was submitted and is not deleted.

    ``submitted`` and ``parsed`` are the details of its events, None if the objects are lost.
    """

    document_id: UUID
    owner_id: UUID
    source_kind: SourceKind
    submitted: SubmittedDocument | None
    submitted_at: str
    language: str | None
    media_type: str | None
    page_count: int | None
    characters: int | None
    parsed: ParsedDocument | None
    parsed_at: str | None
    rejected_code: str | None
    rejected_reason: str | None
    rejected_at: str | None
    given_up_code: str | None
    given_up_reason: str | None
    given_up_at: str | None

    @property
    def is_rejected(self) -> bool:
        """Whether it could not be read. If its submission was given up, it may be read later."""
        return self.rejected_at is not None and self.parsed_at is None

    @property
    def source_name(self) -> str | None:
        """The file name or web address that it came under."""
        return (self.submitted.filename or self.submitted.url) if self.submitted else None

    @property
    def title(self) -> str:
        """As given by its owner, else as found in it, else the name it came under."""
        given = self.submitted.title if self.submitted else None
        found = self.parsed.title if self.parsed else None
        return title_of(given, found, self.source_name)

    @property
    def author(self) -> str | None:
        """As found in it."""
        return self.parsed.author if self.parsed else None

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """Its table of contents."""
        return self.parsed.chapters if self.parsed else ()

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
        begun = (chapter for chapter in self.chapters if chapter.first_page <= page)
        last = max(begun, key=lambda chapter: chapter.first_page, default=None)
        return None if last is None else last.title


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

    @property
    def text(self) -> ObjectRef:
        """Its Markdown as it is now."""
        return self.edited or self.extracted
