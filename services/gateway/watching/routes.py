"""Watching a document: server-sent events."""

from collections.abc import AsyncGenerator, Mapping
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
from services.gateway.kernel.views import View
from services.gateway.watching.account_feeds import AccountFeeds
from services.gateway.watching.account_stream import account_events
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.status import ACCOUNT_EVENTS, EVENTS
from services.gateway.watching.stream import StreamPace, status_events
from services.gateway.watching.stream_slots import StreamSlots

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

EVENT_STREAM = "text/event-stream"
EXAMPLE = (
    'event: audio_deleted\ndata: {"document_id":"7b0c6f1d-2b7e-4c0f-9a3b-1d8e7c6a5b4d",'
    '"audio_id":"3f0c6f1d-2b7e-4c0f-9a3b-1d8e7c6a5b4d"}\n\n'
)
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Proxies such as nginx pass each event on at once."""


def event_answers(events: Mapping[str, type[View]]) -> Responses:
    """Declare a stream of events."""
    payloads = {
        name: {"$ref": f"#/components/schemas/{view.__name__}"} for name, view in events.items()
    }
    return {
        200: {
            "description": "Events. The name of each tells what its data is, as JSON.",
            "model": reduce(or_, events.values()),
            "content": {EVENT_STREAM: {"x-events": payloads, "example": EXAMPLE}},
        }
    }


class EventStream(StreamingResponse):
    """For the description: what the answer is."""

    media_type = EVENT_STREAM


@dataclass(frozen=True)
class Streams:
    """The streams of one process."""

    feeds: Feeds
    account_feeds: AccountFeeds
    slots: StreamSlots


def streams_of(request: Request, deps: Deps) -> Streams:
    """Return the streams of the process that a request came to."""
    state = request.app.state
    if not hasattr(state, "streams"):
        limits = deps.limits
        slots = StreamSlots(per_owner=limits.max_streams_per_owner, per_process=limits.max_streams)
        feeds = Feeds(deps.changes, deps.limits)
        state.streams = Streams(feeds, AccountFeeds(changes=deps.changes), slots)
    found: Streams = state.streams
    return found


@router.get(
    "/documents/{document_id}/events",
    response_class=EventStream,
    responses=event_answers(EVENTS),
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

    Events have no ids, and ``Last-Event-ID`` is ignored: a stream that is opened again begins with
    a snapshot, which takes the place of all that was known. A stream ends after an hour at the
    latest, within 30 seconds after the caller may not see the document any more, and when the
    service stops; then open it again.
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


@router.get(
    "/events",
    response_class=EventStream,
    responses=event_answers(ACCOUNT_EVENTS),
    openapi_extra=declare(
        needs(Capability.LIST_DOCUMENTS),
        limited(LimitClass.STREAM),
        own_problems("too_many_streams"),
    ),
)
async def watch_documents(
    request: Request,
    deps: Deps,
    found: CurrentCaller,
    streams: Annotated[Streams, Depends(streams_of)],
) -> Response:
    """Watch all documents, own and shared ones: server-sent events of what changes from now on.

    Events: ``ready``, first of all, and then those of the stream of one document, each with its
    ``document_id``. There is no snapshot of everything: open the stream, wait for ``ready``, and
    list the documents then, so that nothing is missed in between. The first event about a document
    is its ``snapshot``, which takes the place of all that was known of it; so is one now and then
    of a document that was quiet while many others changed. Documents that are handed in, or shared
    with the caller, begin with it. ``deleted`` ends a document that was deleted, or that the caller
    may not see any more.

    Events have no ids, and ``Last-Event-ID`` is ignored: whenever the stream is opened again, list
    the documents again. A stream ends after an hour at the latest, within 30 seconds after the
    credentials are not valid any more, and when the service stops.
    """
    if is_head(request):
        return Response(headers=UNBUFFERED, media_type=EVENT_STREAM)

    async def watching() -> AsyncGenerator[str, None]:
        caller = found.caller
        with (
            streams.slots.one(caller.counted),
            streams.account_feeds.of(caller.user_id) as feed,
        ):
            told = account_events(feed, streams.feeds, found.given.is_valid, StreamPace())
            async with aclosing(told) as events:
                async for event in events:
                    yield event

    stream = await begun(watching())
    return ClosingResponse(stream, headers=UNBUFFERED, media_type=EVENT_STREAM)
