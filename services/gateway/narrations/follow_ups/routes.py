"""Narrations later on: stop one, have failed audio tried again."""

from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.models import PROBLEMS, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.narrations.follow_ups.commands import FollowUpCommands
from services.gateway.narrations.queries import NarrationQueries
from services.gateway.narrations.routes import ANSWERS, OF_ORDERS
from services.gateway.narrations.views import NarrationView

router = APIRouter(prefix=PREFIX, tags=["narrations"], responses=PROBLEMS, route_class=CallerRoute)


@router.post(
    "/narrations/{narration_id}/cancel",
    openapi_extra=declare(needs(Capability.REQUEST_AUDIO), own_problems("already_ended")),
)
async def cancel_narration(narration_id: UUID, deps: Deps, caller_id: CallerId) -> NarrationView:
    """Stop a narration: who asked for it may, and the owner of the document.

    Pages that can be heard by then stay; nothing more is made for it.
    """
    await FollowUpCommands(deps).cancel(caller_id, narration_id)
    return await NarrationQueries(deps.database, deps.limits).narration(caller_id, narration_id)


@router.post(
    "/audios/{audio_id}/retry",
    status_code=202,
    responses=ANSWERS,
    openapi_extra=declare(
        needs(Capability.RETRY_AUDIO),
        limited(LimitClass.NARRATION),
        OF_ORDERS,
        own_problems("nothing_to_retry"),
    ),
)
async def retry_audio(
    audio_id: UUID, response: Response, deps: Deps, caller_id: CallerId
) -> NarrationView:
    """Have audio tried again that failed: it is asked for anew, as a narration of its page."""
    new = uuid4()
    narration_id = await FollowUpCommands(deps).retry_audio(caller_id, audio_id, new)
    if narration_id != new:
        response.status_code = HTTPStatus.OK
    response.headers["Location"] = f"{PREFIX}/narrations/{narration_id}"
    return await NarrationQueries(deps.database, deps.limits).narration(caller_id, narration_id)
