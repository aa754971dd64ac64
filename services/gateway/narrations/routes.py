"""Narrations: ask for audio of pages, and see how far it is."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import LOCATION, Responses, declare, own_problems
from services.gateway.http.models import PROBLEMS, AfterPage, Limit, Listing, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.estimate_views import EstimateView, estimate_view
from services.gateway.narrations.planning.estimating import estimate_order
from services.gateway.narrations.queries import NarrationQueries
from services.gateway.narrations.requests import AudiobookRequest, NarrationRequest
from services.gateway.narrations.views import NarrationView, PageFailure

router = APIRouter(prefix=PREFIX, tags=["narrations"], responses=PROBLEMS, route_class=CallerRoute)


OF_CHOICES = own_problems("unknown_engine", "unknown_voice", "no_such_page", "document_rejected")
OF_ORDERS = declare(OF_CHOICES, own_problems("quota_exceeded"))
ANSWERS: Responses = {
    200: {
        "description": "It is being made already, or all there.",
        "model": NarrationView,
        "headers": LOCATION,
    },
    202: {"headers": LOCATION},
}


@router.post(
    "/documents/{document_id}/narrations",
    status_code=202,
    responses=ANSWERS,
    openapi_extra=declare(
        needs(Capability.REQUEST_AUDIO), limited(LimitClass.NARRATION), OF_ORDERS
    ),
)
async def request_narration(
    document_id: UUID, asked: NarrationRequest, response: Response, deps: Deps, caller_id: CallerId
) -> NarrationView:
    """Ask for audio of some pages or of all, and perhaps for an audiobook of them.

    Who asks again for what is being made, or is all there, gets that narration, with status 200.
    """
    return await _narrate(deps, caller_id, document_id, asked.options(), response)


@router.post(
    "/documents/{document_id}/estimate",
    openapi_extra=declare(needs(Capability.REQUEST_AUDIO), limited(LimitClass.EDIT), OF_CHOICES),
)
async def estimate_narration(
    document_id: UUID, asked: NarrationRequest, deps: Deps, caller_id: CallerId
) -> EstimateView:
    """Ask what an order would do: how long it is, what is spoken already, what the rest costs.

    The body is that of an order. Nothing is ordered.
    """
    found = await estimate_order(deps, caller_id, document_id, asked.options())
    return estimate_view(found, deps.prices)


@router.post(
    "/documents/{document_id}/audiobook",
    status_code=202,
    responses=ANSWERS,
    openapi_extra=declare(
        needs(Capability.REQUEST_AUDIO), limited(LimitClass.NARRATION), OF_ORDERS
    ),
)
async def request_audiobook(
    document_id: UUID,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    asked: AudiobookRequest | None = None,
) -> NarrationView:
    """Ask for the whole document as one file."""
    options = (asked or AudiobookRequest()).options()
    return await _narrate(deps, caller_id, document_id, options, response)


@router.get(
    "/documents/{document_id}/narrations",
    openapi_extra=declare(needs(Capability.SEE_DOCUMENT), own_problems("bad_cursor")),
)
async def list_narrations(
    document_id: UUID,
    deps: Deps,
    caller_id: CallerId,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Listing[NarrationView]:
    """List the narrations of a document, newest first."""
    found = await NarrationQueries(deps.database, deps.limits).narrations(
        caller_id, document_id, limit, cursor
    )
    return Listing[NarrationView](items=found.items, next=found.following)


@router.get("/narrations/{narration_id}", openapi_extra=needs(Capability.SEE_DOCUMENT))
async def read_narration(narration_id: UUID, deps: Deps, caller_id: CallerId) -> NarrationView:
    """Read how far a narration is."""
    return await NarrationQueries(deps.database, deps.limits).narration(caller_id, narration_id)


@router.get("/narrations/{narration_id}/failures", openapi_extra=needs(Capability.SEE_DOCUMENT))
async def list_failures(
    narration_id: UUID, deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: AfterPage = 0
) -> Listing[PageFailure]:
    """List the pages that a narration goes without, in their order, and why."""
    found = await NarrationQueries(deps.database, deps.limits).failures(
        caller_id, narration_id, limit, cursor
    )
    return Listing[PageFailure](items=found.items, next=found.following)


async def _narrate(
    kernel: Kernel,
    caller_id: UUID,
    document_id: UUID,
    options: NarrationOptions,
    response: Response,
) -> NarrationView:
    new = uuid4()
    narration_id = await NarrationCommands(kernel).narrate(caller_id, document_id, options, new)
    if narration_id != new:
        response.status_code = HTTPStatus.OK
    response.headers["Location"] = f"{PREFIX}/narrations/{narration_id}"
    return await NarrationQueries(kernel.database, kernel.limits).narration(caller_id, narration_id)
