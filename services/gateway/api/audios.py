"""Audio: read its state, listen, download, read along, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from libs.common.errors import Rejected
from libs.common.events import ObjectRef, PageFormat, Rendition
from libs.common.permissions import Capability
from services.gateway.api.context import PREFIX, Needs, Who
from services.gateway.api.downloads import MEDIA_TYPES, send_object
from services.gateway.api.filenames import attachment
from services.gateway.api.models import PROBLEMS, AudiobookModel, AudioModel
from services.gateway.problems import NotReady
from services.gateway.views import AudioView

router = APIRouter(prefix=PREFIX, tags=["audio"], responses=PROBLEMS)

Chosen = Annotated[
    PageFormat | None, Query(alias="format", description="Else the first that there is.")
]


@router.get("/audios/{audio_id}")
async def audio(audio_id: UUID, context: Needs, caller: Who) -> AudioModel:
    """Read what is known of one page's audio."""
    view, _ = await context.queries.audio(caller, audio_id)
    return AudioModel.model_validate(view)


@router.delete("/audios/{audio_id}", status_code=204)
async def delete(audio_id: UUID, context: Needs, caller: Who) -> None:
    """Delete one page's audio."""
    await context.commands.delete_audio(caller, audio_id)


@router.get("/audios/{audio_id}/stream", response_class=Response)
@router.head("/audios/{audio_id}/stream", include_in_schema=False)
async def stream(
    audio_id: UUID, request: Request, context: Needs, caller: Who, chosen: Chosen = None
) -> Response:
    """Listen to a page; any part of it by Range."""
    view, _ = await context.queries.audio(caller, audio_id, Capability.LISTEN)
    rendition = _rendition(view, chosen)
    media_type = MEDIA_TYPES[rendition.format]
    return await send_object(request, context.storage, rendition.object, media_type)


@router.get("/audios/{audio_id}/download", response_class=Response)
@router.head("/audios/{audio_id}/download", include_in_schema=False)
async def download(
    audio_id: UUID, request: Request, context: Needs, caller: Who, chosen: Chosen = None
) -> Response:
    """Download a page, under a name made of the document's title and the page."""
    view, document = await context.queries.audio(caller, audio_id, Capability.DOWNLOAD)
    rendition = _rendition(view, chosen)
    name = attachment(document.title, rendition.format, view.page)
    media_type = MEDIA_TYPES[rendition.format]
    return await send_object(request, context.storage, rendition.object, media_type, name)


@router.get("/audios/{audio_id}/timings", response_class=Response)
@router.head("/audios/{audio_id}/timings", include_in_schema=False)
async def timings(audio_id: UUID, request: Request, context: Needs, caller: Who) -> Response:
    """Fetch when each sentence and word is heard, with its place in the page's Markdown."""
    view, _ = await context.queries.audio(caller, audio_id, Capability.LISTEN)
    ref = _there(view.timings, view)
    return await send_object(request, context.storage, ref, "application/json")


@router.get("/audios/{audio_id}/captions", response_class=Response)
@router.head("/audios/{audio_id}/captions", include_in_schema=False)
async def captions(audio_id: UUID, request: Request, context: Needs, caller: Who) -> Response:
    """Fetch the captions, as WebVTT."""
    view, _ = await context.queries.audio(caller, audio_id, Capability.LISTEN)
    ref = _there(view.captions, view)
    return await send_object(request, context.storage, ref, "text/vtt; charset=utf-8")


@router.get("/audiobooks/{audiobook_id}")
async def audiobook(audiobook_id: UUID, context: Needs, caller: Who) -> AudiobookModel:
    """Read what is known of an audiobook."""
    view, _ = await context.queries.audiobook(caller, audiobook_id)
    return AudiobookModel.model_validate(view)


@router.get("/audiobooks/{audiobook_id}/download", response_class=Response)
@router.head("/audiobooks/{audiobook_id}/download", include_in_schema=False)
async def download_audiobook(
    audiobook_id: UUID, request: Request, context: Needs, caller: Who
) -> Response:
    """Download an audiobook, under a name made of the document's title."""
    view, document = await context.queries.audiobook(caller, audiobook_id, Capability.DOWNLOAD)
    if view.object is None:
        raise NotReady(f"The audiobook is not there: it is {view.state}.")
    name = attachment(document.title, view.format)
    return await send_object(request, context.storage, view.object, MEDIA_TYPES[view.format], name)


def _rendition(view: AudioView, chosen: PageFormat | None) -> Rendition:
    renditions = {each.format: each for each in view.renditions}
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
