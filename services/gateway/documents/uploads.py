"""What was received and stored, and is about to become a document."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import SourceKind, SubmittedDocument

MAX_NAME_CHARACTERS = 255


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a document comes from: an object that is stored, or a web address."""

    kind: SourceKind
    object: ObjectRef | None = None
    url: str | None = None
    filename: str | None = None


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A document that is handed in: whose it is, where it comes from, and its title if given.

    ``details_key`` is that of its upload, if there was one.
    """

    document_id: UUID
    owner_id: UUID
    source: Source
    title: str | None = None
    details_key: str | None = None


@dataclass(frozen=True)
class StoredUpload:
    """Bytes that are stored for a document that is not handed in yet.

    ``details_key`` is for the details of its submission: they have the same deadline.
    """

    document_id: UUID
    stored: ObjectRef
    details_key: str

    def submission(
        self, owner_id: UUID, kind: SourceKind, filename: str | None, title: str | None = None
    ) -> Submission:
        """Return what hands it in."""
        return Submission(
            document_id=self.document_id,
            owner_id=owner_id,
            source=Source(kind=kind, object=self.stored, filename=filename),
            title=title,
            details_key=self.details_key,
        )


@dataclass(frozen=True)
class StoredSubmission:
    """A submission whose details are stored, and which is not handed in yet."""

    submission: Submission
    details: SubmittedDocument
    stored: ObjectRef
