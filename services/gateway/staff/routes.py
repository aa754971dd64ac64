"""Users, for staff: list them, invite somebody, close an account for now and open it again."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.administration.administering import Administration, Newcomer
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.current_caller import CallerId, CallerRoute, known_callers
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.models import PROBLEMS, Listing, RequestBody, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.staff.queries import StaffQueries
from services.gateway.staff.views import UserView

router = APIRouter(prefix=PREFIX, tags=["staff"], responses=PROBLEMS, route_class=CallerRoute)

MANAGES_USERS = needs(Capability.MANAGE_USERS)


class InvitationRequest(RequestBody):
    """Who is to have an account."""

    address: str = Field(max_length=320, description="Mail address.")
    is_staff: bool = False


@router.get("/users", openapi_extra=declare(MANAGES_USERS, own_problems("bad_cursor")))
async def list_users(
    deps: Deps,
    search: Annotated[
        str | None, Query(min_length=1, max_length=320, description="Part of a mail address.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Listing[UserView]:
    """List users, newest first, with how much they have."""
    found = await StaffQueries(deps.database).users(limit, cursor, search)
    return Listing[UserView](items=found.items, next=found.following)


@router.post(
    "/users/{user_id}/disable",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra=declare(MANAGES_USERS, own_problems("last_staff")),
)
async def disable_user(user_id: UUID, request: Request, deps: Deps, caller_id: CallerId) -> None:
    """Close an account for now: sessions, tokens and shares of it end, nobody logs in to it."""
    await AccountClosing(deps).disable(user_id, caller_id)
    known_callers(request.app).forget(user_id)


@router.post(
    "/users/{user_id}/enable", status_code=HTTPStatus.NO_CONTENT, openapi_extra=MANAGES_USERS
)
async def enable_user(user_id: UUID, deps: Deps, caller_id: CallerId) -> None:
    """Open an account again. Its tokens stay revoked."""
    await AccountClosing(deps).enable(user_id, caller_id)


@router.post(
    "/invitations",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=declare(
        MANAGES_USERS,
        limited(LimitClass.SHARE),
        own_problems("bad_address", "address_taken", "no_mail"),
    ),
)
async def invite_user(wanted: InvitationRequest, deps: Deps) -> None:
    """Have somebody sent a mail whose link makes an account, good for three days."""
    newcomer = Newcomer(address=wanted.address, is_staff=wanted.is_staff)
    await Administration(deps).invite(newcomer)
