"""Narrations: what somebody asked to hear of a document, and what came of it."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Count, DocumentEvent, PageCount
from libs.common.contracts.formats import AudiobookFormat, PageFormats, Rate
from libs.common.contracts.identifiers import Code, Name, VoiceName
from libs.common.contracts.pages import PageRanges, SomePages


class NarrationEvent(DocumentEvent):
    """About what somebody asked to hear."""

    stream_name = "narration/{narration_id}"

    narration_id: UUID = Field(description="This narration.")
    requested_by: UUID = Field(description="Who asked.")


class NarrationRequested(NarrationEvent):
    """Somebody asked to hear pages, and perhaps the whole as one file.

    The gateway's policy turns it into ``audio.requested`` page by page as pages become ready.
    """

    topic = "narration.requested"
    producer = "gateway"

    pages: SomePages | None = Field(description="Ascending, without overlaps; null: every page.")
    engine: Name
    voice: VoiceName
    rate: Rate
    formats: PageFormats
    audiobook: AudiobookFormat | None = Field(description="As one file, too; null: no.")
    page_count: PageCount | None = Field(
        default=None,
        description="How many pages the document had then; null: it was still being read.",
    )


class NarrationEnded(NarrationEvent):
    """Nothing more is waited for: every page that was asked for is ready, or given up.

    It is said once for a narration. What was given up can still be mended later: then its own
    events say so, and this one stays as it is.
    """

    pages_total: Count | None = Field(
        description="Pages that were asked for; null if the document was not read to its end."
    )
    pages_ready: Count = Field(description="Pages that can be heard.")
    pages_silent: Count = Field(description="Pages on which there is nothing to speak.")
    pages_missing: Count = Field(description="Pages that could not be made audible.")
    missing: PageRanges = Field(description="Which; ascending, without overlaps, the first 1,000.")


class NarrationCompleted(NarrationEnded):
    """What somebody asked for can be heard; all of it if no pages are missing."""

    topic = "narration.completed"
    producer = "gateway"

    duration_ms: Count = Field(description="Length of the pages that can be heard.")
    audiobook_id: UUID | None = Field(
        description="The audiobook, if one was asked for and could be made."
    )


class NarrationFailed(NarrationEnded):
    """Nothing of what somebody asked for can be heard."""

    topic = "narration.failed"
    producer = "gateway"

    code: Code


class NarrationCanceled(NarrationEnded):
    """Somebody stopped what was asked for; what can be heard by then stays."""

    topic = "narration.canceled"
    producer = "gateway"

    canceled_by: UUID = Field(description="Who stopped it.")
