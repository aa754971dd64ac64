"""What people see of what they use."""

from pydantic import Field

from services.gateway.kernel.views import Moment, View


class CharactersOfToday(View):
    """Characters that are spoken on a day, in UTC.

    ``used`` were asked for today; ``reserved`` are those of pages that are ordered, read, and wait
    for their turn. ``left`` is what further orders may take today: pages of theirs that have no
    room go on at ``resets_at``, and the narration says so as its ``wait``. Pages that are not read
    yet count when they are. Null: no limit.
    """

    used: int
    reserved: int
    left: int | None
    limit: int | None
    resets_at: Moment


class Use(View):
    """How much there is of something, and how much there may be; null: no limit."""

    used: int
    limit: int | None


class OwnerLimits(View):
    """Limits that are about each thing by itself."""

    upload_bytes: int = Field(description="Of one file.")
    page_bytes: int = Field(description="Of the text of a page, in UTF-8.")
    sounds_per_page: int = Field(description="Engine, voice and rate make a sound.")
    open_narrations_per_document: int


class UsageView(View):
    """What you use, and what you may.

    ``documents``, ``stored_bytes`` (of what was handed in, audio and audiobooks) and
    ``open_narrations`` are refused with ``quota_exceeded`` when there are as many as the limit
    says; ``unparsed_documents``, ``event_streams`` and ``requests`` with 429, for a moment.
    ``pages_in_flight`` are being spoken; further ones wait for their turn. Streams and requests are
    those of the process that answers, which counts for itself.
    """

    characters: CharactersOfToday
    documents: Use
    stored_bytes: Use
    open_narrations: Use
    pages_in_flight: Use
    unparsed_documents: Use
    event_streams: Use
    requests: Use
    limits: OwnerLimits
