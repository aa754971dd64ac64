"""Audio: read its state, listen, download, read along, delete."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from libs.common.contracts.base import MAX_PAGES, ObjectRef
from libs.common.contracts.formats import CAPTIONS, MEDIA_TYPES, TIMINGS, PageFormat
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.audio.commands import AudioCommands
from services.gateway.audio.queries import AudioQueries
from services.gateway.audio.rows import WantedAudios
from services.gateway.audio.views import (
    AudiobookView,
    AudioState,
    AudioView,
    EngineView,
    RenditionView,
    VoiceView,
)
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.delivery.signed_delivery import deliver
from services.gateway.http.description.declared import (
    declare,
    file_answers,
    file_conditions,
    own_problems,
)
from services.gateway.http.downloads import send_object
from services.gateway.http.filenames import attachment
from services.gateway.http.models import PROBLEMS, Limit, Listing, Place, listed, needs
from services.gateway.kernel.cursors import no_such_place
from services.gateway.kernel.errors import NotReady

router = APIRouter(prefix=PREFIX, tags=["audio"], responses=PROBLEMS, route_class=CallerRoute)

SEE_DOCUMENT = needs(Capability.SEE_DOCUMENT)
LISTEN = needs(Capability.LISTEN)
DOWNLOAD = needs(Capability.DOWNLOAD)
DELETE_AUDIO = needs(Capability.DELETE_AUDIO)
AS_FILE = declare(file_conditions(), own_problems("not_ready"))
IN_A_FORMAT = declare(AS_FILE, own_problems("no_such_format"))
AUDIO = file_answers(*MEDIA_TYPES.values(), delivered=True)
NAMED_AUDIO = file_answers(*MEDIA_TYPES.values(), named=True, delivered=True)

Chosen = Annotated[
    PageFormat | None, Query(alias="format", description="Else the first that there is.")
]


Text = Annotated[str | None, Query(max_length=50, pattern="^[^\\u0000]*$")]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/engines", openapi_extra=needs(Capability.LIST_VOICES))
async def list_engines(
    deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: Place = 0
) -> Listing[EngineView]:
    """List engines; the one that is used by default comes first."""
    return listed(await AudioQueries(deps.database).engines(), limit, cursor)


@router.get("/voices", openapi_extra=needs(Capability.LIST_VOICES))
async def list_voices(
    deps: Deps,
    caller_id: CallerId,
    engine: Text = None,
    language: Text = None,
    limit: Limit = 100,
    cursor: Place = 0,
) -> Listing[VoiceView]:
    """List voices, of all engines in their order or of one; ``language`` en is en-GB as well."""
    return listed(await AudioQueries(deps.database).voices(engine, language), limit, cursor)


@dataclass(frozen=True, kw_only=True)
class AudioListQuery:
    """Which audios of a document are listed."""

    page: Annotated[int | None, Query(ge=1, le=MAX_PAGES)] = None
    engine: Text = None
    voice: Annotated[str | None, Query(max_length=200, pattern="^[!-~]*$")] = None
    state: AudioState | None = None

    def wanted(self, document_id: UUID, after: str | None) -> WantedAudios:
        """Return it as queries take it.

        Raises:
            Rejected: The cursor is none of ours.
        """
        try:
            behind = None if after is None else UUID(after)
        except ValueError as error:
            raise no_such_place() from error
        return WantedAudios(
            document_id=document_id,
            page=self.page,
            engine=self.engine,
            voice=self.voice,
            after=behind,
        )


@router.get(
    "/documents/{document_id}/audios",
    openapi_extra=declare(SEE_DOCUMENT, own_problems("bad_cursor")),
)
async def list_audios(
    document_id: UUID,
    deps: Deps,
    caller_id: CallerId,
    query: Annotated[AudioListQuery, Depends()],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[AudioView]:
    """List the audios of a document, of all revisions, by page and sound.

    An answer has fewer than `limit` where many are in other states: go on with `next` until it is
    null.
    """
    found = await AudioQueries(deps.database).audios(
        caller_id, query.wanted(document_id, cursor), limit, query.state
    )
    return Listing[AudioView](items=found.items, next=found.following)


@router.get(
    "/documents/{document_id}/audiobooks",
    openapi_extra=declare(SEE_DOCUMENT, own_problems("bad_cursor")),
)
async def list_audiobooks(
    document_id: UUID,
    deps: Deps,
    caller_id: CallerId,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[AudiobookView]:
    """List the audiobooks of a document, newest first."""
    found = await AudioQueries(deps.database).audiobooks(caller_id, document_id, limit, cursor)
    return Listing[AudiobookView](items=found.items, next=found.following)


@router.get("/audios/{audio_id}", openapi_extra=SEE_DOCUMENT)
async def read_audio(audio_id: UUID, deps: Deps, caller_id: CallerId) -> AudioView:
    """Read what is known of one page's audio."""
    view, _ = await AudioQueries(deps.database).audio(caller_id, audio_id)
    return view


@router.delete("/audios/{audio_id}", status_code=204, openapi_extra=DELETE_AUDIO)
async def delete_audio(audio_id: UUID, deps: Deps, caller_id: CallerId) -> None:
    """Delete one page's audio."""
    await AudioCommands(deps).delete(caller_id, audio_id)


@router.get(
    "/audios/{audio_id}/stream",
    response_class=Response,
    responses=AUDIO,
    openapi_extra=declare(LISTEN, IN_A_FORMAT),
)
async def stream_audio(
    audio_id: UUID, request: Request, deps: Deps, caller_id: CallerId, chosen: Chosen = None
) -> Response:
    """Listen to a page; any part of it by Range."""
    view, _ = await AudioQueries(deps.database).audio(caller_id, audio_id, Capability.LISTEN)
    rendition = chosen_rendition(view, chosen)
    media_type = MEDIA_TYPES[rendition.format]
    return await deliver(request, deps.storage, rendition.object, media_type)


@router.get(
    "/audios/{audio_id}/download",
    response_class=Response,
    responses=NAMED_AUDIO,
    openapi_extra=declare(DOWNLOAD, IN_A_FORMAT),
)
async def download_audio(
    audio_id: UUID, request: Request, deps: Deps, caller_id: CallerId, chosen: Chosen = None
) -> Response:
    """Download a page, under a name made of the document's title and the page."""
    view, document = await AudioQueries(deps.database).audio(
        caller_id, audio_id, Capability.DOWNLOAD
    )
    rendition = chosen_rendition(view, chosen)
    name = attachment(document.title, rendition.format, view.page)
    media_type = MEDIA_TYPES[rendition.format]
    return await deliver(request, deps.storage, rendition.object, media_type, name)


@router.get(
    "/audios/{audio_id}/timings",
    response_class=Response,
    responses=file_answers(TIMINGS),
    openapi_extra=declare(LISTEN, AS_FILE),
)
async def read_timings(
    audio_id: UUID, request: Request, deps: Deps, caller_id: CallerId
) -> Response:
    """Fetch when each sentence and word is heard, with its place in the page's Markdown."""
    view, _ = await AudioQueries(deps.database).audio(caller_id, audio_id, Capability.LISTEN)
    ref = _there(view.timings_object, view)
    return await send_object(request, deps.storage, ref, TIMINGS)


@router.get(
    "/audios/{audio_id}/captions",
    response_class=Response,
    responses=file_answers(CAPTIONS),
    openapi_extra=declare(LISTEN, AS_FILE),
)
async def read_captions(
    audio_id: UUID, request: Request, deps: Deps, caller_id: CallerId
) -> Response:
    """Fetch the captions, as WebVTT."""
    view, _ = await AudioQueries(deps.database).audio(caller_id, audio_id, Capability.LISTEN)
    ref = _there(view.captions_object, view)
    return await send_object(request, deps.storage, ref, CAPTIONS)


@router.get("/audiobooks/{audiobook_id}", openapi_extra=SEE_DOCUMENT)
async def read_audiobook(audiobook_id: UUID, deps: Deps, caller_id: CallerId) -> AudiobookView:
    """Read what is known of an audiobook."""
    view, _ = await AudioQueries(deps.database).audiobook(caller_id, audiobook_id)
    return view


@router.delete("/audiobooks/{audiobook_id}", status_code=204, openapi_extra=DELETE_AUDIO)
async def delete_audiobook(audiobook_id: UUID, deps: Deps, caller_id: CallerId) -> None:
    """Delete an audiobook, or stop its making; the audio of its pages stays."""
    await AudioCommands(deps).delete_audiobook(caller_id, audiobook_id)


@router.get(
    "/audiobooks/{audiobook_id}/download",
    response_class=Response,
    responses=NAMED_AUDIO,
    openapi_extra=declare(DOWNLOAD, AS_FILE),
)
async def download_audiobook(
    audiobook_id: UUID, request: Request, deps: Deps, caller_id: CallerId
) -> Response:
    """Download an audiobook, under a name made of the document's title."""
    view, document = await AudioQueries(deps.database).audiobook(
        caller_id, audiobook_id, Capability.DOWNLOAD
    )
    if view.object is None:
        raise NotReady(f"The audiobook is not there: it is {view.state}.")
    name = attachment(document.title, view.format)
    return await deliver(request, deps.storage, view.object, MEDIA_TYPES[view.format], name)


def chosen_rendition(view: AudioView, chosen: PageFormat | None) -> RenditionView:
    """Return an audio in a format, else in the first that there is.

    Raises:
        NotReady: It is not there in any.
        Rejected: It was not made in this one.
    """
    renditions = {rendition.format: rendition for rendition in view.renditions}
    if not renditions:
        raise NotReady(f"The audio is not there: it is {view.state}.")
    found = next(iter(renditions.values())) if chosen is None else renditions.get(chosen)
    if found is None:
        there = ", ".join(renditions)
        raise Rejected("no_such_format", f"This audio was not made as {chosen}, but as {there}.")
    return found


def _there(ref: ObjectRef | None, view: AudioView) -> ObjectRef:
    if ref is None:
        raise NotReady(f"The audio is not there: it is {view.state}.")
    return ref
