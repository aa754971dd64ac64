"""What people see of narrations."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.formats import MAX_FORMATS, PageFormat
from services.gateway.audio.views import AudiobookView
from services.gateway.kernel.views import Failure, Moment, View

NarrationState = Literal["working", "ready", "partial", "outdated", "failed", "canceled"]


class PageFailure(View):
    """A page that a narration goes without."""

    page: int
    code: str
    reason: str


class NarrationWait(View):
    """Why pages of a narration wait that could be spoken: ``characters_per_day``.

    An owner may have so many characters spoken on a day, in UTC. All of them were used ``since``
    then; null if some are left, but not enough for all pages known so far. Work goes on at
    ``resumes_at``. Both are moments as RFC 3339 has them.
    """

    reason: Literal["characters_per_day"]
    since: Moment | None
    resumes_at: Moment


class NarrationView(View):
    """A narration and how far it is.

    ``partial`` is one of which something can be heard, but a page or the audiobook is missing;
    ``canceled`` is one that somebody stopped before it was all there.

    ``pages_total`` is unknown while a document of which everything was asked for is still read.
    ``pages_silent`` have nothing to speak; ``pages_outdated`` were edited, or their audio deleted,
    since they were spoken. ``characters`` are those of the pages known so far;
    ``first_ready_at`` is when the first of its pages could be heard. ``wait`` says why it waits
    for another day, if it does; its ``state`` is ``working`` then.
    """

    narration_id: UUID
    document_id: UUID
    requested_at: Moment
    pages: str | None
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...] = Field(max_length=MAX_FORMATS)
    state: NarrationState
    pages_total: int | None
    pages_ready: int
    pages_silent: int
    pages_outdated: int
    pages_failed: int
    characters: int
    duration_ms: int
    first_ready_at: Moment | None
    wait: NarrationWait | None
    audiobook: AudiobookView | None
    failure: Failure | None
