"""What was received and stored, and is about to become a document."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import Source
from services.gateway.documents.checks import one_line

MAX_NAME_CHARACTERS = 255


@dataclass(frozen=True)
class StoredUpload:
    """Bytes that are stored for a document that is not handed in yet."""

    document_id: UUID
    stored: ObjectRef

    def source(self, kind: Literal["file", "text"], filename: str | None) -> Source:
        """Return where the document comes from."""
        name = one_line(filename, MAX_NAME_CHARACTERS)
        return Source(kind=kind, object=self.stored, filename=name)
