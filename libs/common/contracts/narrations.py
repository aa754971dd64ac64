"""Narrations: what somebody asked to hear of a document."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DocumentEvent, PageNumber
from libs.common.contracts.formats import BookFormat, PageFormat, Rate


class NarrationRequested(DocumentEvent):
    """Somebody asked to hear pages, and perhaps the whole as one file.

    The gateway's policy turns it into ``audio.requested`` page by page as pages become ready.
    """

    topic = "narration.requested"
    producer = "gateway"
    stream_name = "narration/{narration_id}"

    narration_id: UUID
    owner_id: UUID
    requested_by: UUID
    pages: tuple[PageNumber, ...] | None = Field(default=None, description="None: every page.")
    engine: str
    voice: str
    rate: Rate = 1.0
    formats: tuple[PageFormat, ...] = ("m4a",)
    audiobook: BookFormat | None = None
