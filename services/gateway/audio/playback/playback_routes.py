"""Links for players that send no credentials: make one, and hear by it."""

from datetime import UTC, datetime
from time import time
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.formats import MEDIA_TYPES
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.accounts.open_route import OpenRoute
from services.gateway.accounts.users import is_disabled
from services.gateway.audio.playback.signed_links import PlaybackLink, checked_link
from services.gateway.audio.queries import AudioQueries
from services.gateway.audio.routes import AUDIO, IN_A_FORMAT, Chosen, chosen_rendition
from services.gateway.http.admission import belongs_to
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.delivery.signed_delivery import deliver
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.idempotency.repeated_requests import takes_no_key
from services.gateway.http.models import PROBLEMS, needs, open_to_all
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.views import Moment, View

router = APIRouter(prefix=PREFIX, tags=["audio"], responses=PROBLEMS, route_class=CallerRoute)
open_router = APIRouter(prefix=PREFIX, tags=["audio"], responses=PROBLEMS, route_class=OpenRoute)


class PlaybackLinkView(View):
    """A link to an audio, below the address of the site, that is good until ``expires_at``.

    Whoever has it hears the audio as long as you may hear it; it cannot be revoked by itself.
    """

    path: str
    media_type: str
    expires_at: Moment


@router.post(
    "/audios/{audio_id}/playback-link",
    openapi_extra=declare(
        needs(Capability.LISTEN),
        takes_no_key(),
        own_problems("not_ready", "no_such_format", "no_links"),
    ),
)
async def make_playback_link(
    audio_id: UUID, deps: Deps, caller_id: CallerId, chosen: Chosen = None
) -> PlaybackLinkView:
    """Make a link for a player that cannot send a token, such as `<audio src>`.

    Each request for it looks up your rights again, so it ends when a share of yours does.
    """
    view, _ = await AudioQueries(deps.database).audio(caller_id, audio_id, Capability.LISTEN)
    keys = deps.accounts.links
    if keys is None:
        said = "This site has no key for links. Ask who runs it, or stream with a token."
        raise Rejected("no_links", said)
    rendition = chosen_rendition(view, chosen)
    expires_s = int(time() + deps.limits.playback_link_seconds)
    link = PlaybackLink(audio_id=audio_id, user_id=caller_id, expires_s=expires_s)
    query = f"signature={link.signed(keys)}&format={rendition.format}"
    return PlaybackLinkView(
        path=f"{PREFIX}/audios/{audio_id}/playback?{query}",
        media_type=MEDIA_TYPES[rendition.format],
        expires_at=rfc3339(datetime.fromtimestamp(expires_s, UTC)),
    )


@open_router.get(
    "/audios/{audio_id}/playback",
    response_class=Response,
    responses=AUDIO,
    openapi_extra=declare(open_to_all(), IN_A_FORMAT),
)
async def play_audio(
    audio_id: UUID,
    request: Request,
    deps: Deps,
    signature: Annotated[str, Query(max_length=300, description="As the link has it.")] = "",
    chosen: Chosen = None,
) -> Response:
    """Listen to a page by a link; any part of it by Range."""
    link = checked_link(audio_id, signature, deps.accounts.links, time())
    if link is None:
        raise NotFound("audio")
    belongs_to(request.scope, uuid5(link.user_id, "playback links"))  # who passes it on is not out
    async with deps.database.reading() as connection:
        if await is_disabled(connection, link.user_id):
            raise NotFound("audio")
    view, _ = await AudioQueries(deps.database).audio(link.user_id, audio_id, Capability.LISTEN)
    rendition = chosen_rendition(view, chosen)
    media_type = MEDIA_TYPES[rendition.format]
    return await deliver(request, deps.storage, rendition.object, media_type)
