"""What you use of all that is bounded."""

from fastapi import APIRouter
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.http.admission import requests_of
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.models import PROBLEMS, needs
from services.gateway.usage.queries import InThisProcess, UsageQueries
from services.gateway.usage.views import UsageView
from services.gateway.watching.routes import streams_of

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)


@router.get("/usage", openapi_extra=needs(Capability.SEE_USAGE))
async def read_usage(request: Request, deps: Deps, caller_id: CallerId) -> UsageView:
    """Read what you use, and what you may: characters of today, documents, storage, orders."""
    streams = streams_of(request, deps).slots.open_for(caller_id)
    here = InThisProcess(streams=streams, requests=requests_of(request.scope))
    return await UsageQueries(deps).usage(caller_id, here)
