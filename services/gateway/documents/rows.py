"""Documents and pages as values."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import Chapter, title_of


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """A document that was submitted and is not deleted."""

    document_id: UUID
    owner_id: UUID
    given_title: str | None
    source_kind: str
    source_name: str | None
    submitted_at: str
    found_title: str | None
    author: str | None
    language: str | None
    media_type: str | None
    page_count: int | None
    characters: int | None
    chapters: tuple[Chapter, ...] | None
    cover: ObjectRef | None
    warnings: tuple[str, ...] | None
    parsed_at: str | None
    rejected_code: str | None
    rejected_reason: str | None
    rejected_at: str | None

    @property
    def title(self) -> str:
        """As given by its owner, else as found in it, else the name it came under."""
        return title_of(self.given_title, self.found_title, self.source_name)


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
    title: str | None
    language: str | None
    extracted: ObjectRef
    edited: ObjectRef | None

    @property
    def text(self) -> ObjectRef:
        """Its Markdown as it is now."""
        return self.edited or self.extracted
