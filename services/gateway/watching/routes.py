"""Watching a document: server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request
from starlette.responses import StreamingResponse

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerRoute, CurrentCaller
from services.gateway.documents.selects import may_see
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import Responses, declare, own_problems
from services.gateway.http.downloads import ClosingResponse, begun
from services.gateway.http.models import PROBLEMS, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.http.requests.methods import is_head
from services.gateway.kernel.errors import NotFound
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.status import EVENTS
from services.gateway.watching.stream import StreamPace, status_events
from services.gateway.watching.stream_slots import StreamSlots

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

EVENT_STREAM = "text/event-stream"
ANSWERS: Responses = {
    200: {
        "description": "Events. The name of each tells what its data is, as JSON.",
        "model": reduce(or_, EVENTS.values()),
        "content": {
            EVENT_STREAM: {
                "x-events": {
                    name: {"$ref": f"#/components/schemas/{view.__name__}"}
                    for name, view in EVENTS.items()
                },
                "example": 'event: audio_deleted\nid: 1f0c\ndata: {"audio_id":"3f0c6f1d-2b7e-4c0f-'
                '9a3b-1d8e7c6a5b4d"}\n\n',
            }
        },
    }
}
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Proxies such as nginx pass each event on at once."""


class EventStream(StreamingResponse):
    """For the description: what the answer is."""

    media_type = EVENT_STREAM


@dataclass(frozen=True)
class Streams:
    """The streams of one process."""

    feeds: Feeds
    slots: StreamSlots


def streams_of(request: Request, deps: Deps) -> Streams:
    """Return the streams of the process that a request came to."""
    state = request.app.state
    if not hasattr(state, "streams"):
        limits = deps.limits
        slots = StreamSlots(per_owner=limits.max_streams_per_owner, per_process=limits.max_streams)
        state.streams = Streams(Feeds(deps.changes, deps.limits), slots)
    found: Streams = state.streams
    return found


@router.get(
    "/documents/{document_id}/events",
    response_class=EventStream,
    responses=ANSWERS,
    openapi_extra=declare(
        needs(Capability.SEE_DOCUMENT),
        limited(LimitClass.STREAM),
        own_problems("too_many_streams"),
    ),
)
async def watch_document(
    document_id: UUID,
    request: Request,
    deps: Deps,
    found: CurrentCaller,
    streams: Annotated[Streams, Depends(streams_of)],
) -> Response:
    """Watch a document: server-sent events, a snapshot first, then what changes.

    Events: ``snapshot``, ``document``, ``page``, ``audio``, ``audio_deleted``, ``narration`` and,
    as the last one, ``deleted``.
    """
    caller, token = found.caller, found.given

    async def allowed() -> bool:
        return await token.is_valid() and await may_see(deps.database, caller.user_id, document_id)

    if is_head(request):
        if not await allowed():
            raise NotFound("document")
        return Response(headers=UNBUFFERED, media_type=EVENT_STREAM)

    async def watching() -> AsyncGenerator[str, None]:
        with streams.slots.one(caller.counted), streams.feeds.of(document_id) as feed:
            async with aclosing(status_events(feed, deps.changes, allowed, StreamPace())) as told:
                async for event in told:
                    yield event

    stream = await begun(watching())
    return ClosingResponse(stream, headers=UNBUFFERED, media_type=EVENT_STREAM)
