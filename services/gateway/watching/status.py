"""Where a document stands, for those who watch it: small parts that can be compared one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import MAX_PAGES
from libs.common.database.engine import Database
from services.gateway.audio.renditions import one_per_sound
from services.gateway.audio.rows import AudioRow
from services.gateway.audio.selects import audios_of
from services.gateway.audio.views import AudioState, audio_state
from services.gateway.documents.queries import read_document
from services.gateway.documents.rows import PageRow
from services.gateway.documents.selects import existing_document, pages_of
from services.gateway.documents.views import DocumentView, PageState, page_state
from services.gateway.kernel.changes import changes_of
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.views import Failure, Moment, View
from services.gateway.narrations.facts import newest_narrations
from services.gateway.narrations.views import NarrationView

MAX_AUDIOS = 100 * MAX_PAGES


class PageStanding(View):
    """Where a page stands."""

    document_id: UUID
    page: int
    revision: int
    state: PageState
    failure: Failure | None


class AudioStanding(View):
    """Where an audio stands: ``done`` of ``total`` utterances are spoken."""

    document_id: UUID
    audio_id: UUID
    page: int
    revision: int
    state: AudioState
    done: int
    total: int | None
    duration_ms: int | None
    failure: Failure | None


class Snapshot(View):
    """All that there is about a document; its lists are as long as the document."""

    document_id: UUID
    document: DocumentView
    pages: tuple[PageStanding, ...] = Field(max_length=MAX_PAGES)
    audios: tuple[AudioStanding, ...] = Field(max_length=MAX_AUDIOS)
    narrations: tuple[NarrationView, ...] = Field(max_length=MAX_PAGES)


class AudioGone(View):
    """An audio that was deleted."""

    document_id: UUID
    audio_id: UUID


class DocumentGone(View):
    """The document was deleted, or you may not see it any more."""

    document_id: UUID


class StreamReady(View):
    """From now on, all changes are told."""

    since: Moment


EVENTS: Mapping[str, type[View]] = {
    "snapshot": Snapshot,
    "document": DocumentView,
    "page": PageStanding,
    "audio": AudioStanding,
    "audio_deleted": AudioGone,
    "narration": NarrationView,
    "deleted": DocumentGone,
}
"""What the data of each event about a document is, as JSON."""

ACCOUNT_EVENTS: Mapping[str, type[View]] = {"ready": StreamReady, **EVENTS}
"""The same for the stream of all documents."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A document and all that is made of it."""

    document: DocumentView
    pages: tuple[PageStanding, ...]
    audios: tuple[AudioStanding, ...]
    narrations: tuple[NarrationView, ...]


@dataclass(frozen=True)
class Watch:
    """Reads one document's status again and again; whoever may see it sees the same."""

    database: Database
    limits: GatewayLimits
    document_id: UUID

    async def look(self, changes_seen: int | None) -> tuple[int, Status | None]:
        """Return the document's counter of changes and, unless it is as seen, the status.

        Raises:
            NotFound: There is no such document, or no longer.
        """
        async with self.database.reading() as connection:
            document_id = self.document_id
            row = await existing_document(connection, document_id)
            if row is None:
                raise NotFound("document")
            changes = await changes_of(connection, document_id)
            if changes == changes_seen:
                return changes, None
            pages = await pages_of(connection, document_id)
            audios = one_per_sound(await audios_of(connection, document_id))
            return changes, Status(
                document=await read_document(connection, row.owner_id, document_id),
                pages=tuple(_page(document_id, page) for page in pages if page.is_extracted),
                audios=tuple(map(_audio, audios)),
                narrations=await newest_narrations(connection, self.limits, row),
            )


def _page(document_id: UUID, page: PageRow) -> PageStanding:
    state, failure = page_state(page)
    return PageStanding(
        document_id=document_id,
        page=page.page,
        revision=page.revision,
        state=state,
        failure=failure,
    )


def _audio(audio: AudioRow) -> AudioStanding:
    state, failure = audio_state(audio)
    return AudioStanding(
        document_id=audio.document_id,
        audio_id=audio.audio_id,
        page=audio.page,
        revision=audio.revision,
        state=state,
        done=audio.done or 0,
        total=audio.total,
        duration_ms=audio.duration_ms,
        failure=failure,
    )
