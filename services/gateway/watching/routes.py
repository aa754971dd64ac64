"""Watching a document: server-sent events."""

from uuid import UUID

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_owner import CurrentOwner
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.downloads import ClosingResponse, begun
from services.gateway.http.models import PROBLEMS, needs
from services.gateway.watching.status import Watch
from services.gateway.watching.stream import StreamPace, status_events

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS)


@router.get(
    "/documents/{document_id}/events",
    response_class=StreamingResponse,
    openapi_extra=needs(Capability.SEE_DOCUMENT),
)
async def events(document_id: UUID, deps: Deps, owner: CurrentOwner) -> Response:
    """Watch a document: server-sent events, a snapshot first, then what changes.

    Events: ``snapshot``, ``document``, ``page``, ``audio``, ``audio_deleted``, ``narration`` and,
    as the last one, ``deleted``.
    """
    watch = Watch(deps.database, owner, document_id)
    stream = await begun(status_events(watch, deps.changes, StreamPace()))
    return ClosingResponse(
        stream, headers={"X-Accel-Buffering": "no"}, media_type="text/event-stream"
    )
