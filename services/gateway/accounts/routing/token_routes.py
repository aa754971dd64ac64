"""Tokens: list mine, make one, revoke one.

What is revoked here is of no use at once in this process; others know within
``callers.KNOWN_FOR_S`` seconds.
"""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import AfterValidator, Field
from starlette.requests import Request

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import Capability, Scope
from services.gateway.accounts.current_caller import (
    CallerId,
    CallerRoute,
    CurrentCaller,
    known_callers,
    not_valid,
)
from services.gateway.accounts.tokens import MOST_TOKENS, NewToken, Tokens
from services.gateway.accounts.views import TokenShown, TokenView, token_view
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare
from services.gateway.http.idempotency.repeated_requests import takes_no_key
from services.gateway.http.models import (
    PROBLEMS,
    Limit,
    Listing,
    Place,
    RequestBody,
    listed,
    needs,
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.errors import NotFound

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)

MANAGES = needs(Capability.MANAGE_ACCOUNT)
MOST_DAYS = 3650


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name has no control characters")
    return name


class TokenRequest(RequestBody):
    """What a token is to be good for."""

    name: Annotated[str, AfterValidator(_printable)] = Field(
        min_length=1, max_length=100, description="Who or what it is for."
    )
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    valid_days: int | None = Field(
        default=None, ge=1, le=MOST_DAYS, description="Null: until it is revoked."
    )


@router.get("/tokens", openapi_extra=MANAGES)
async def tokens(
    deps: Deps, caller_id: CallerId, limit: Limit = MOST_TOKENS, cursor: Place = 0
) -> Listing[TokenView]:
    """List your tokens that are good for something, newest first."""
    mine = await Tokens(deps.database).of_owner(caller_id)
    return listed([token_view(token) for token in mine], limit, cursor)


@router.post(
    "/tokens",
    status_code=HTTPStatus.CREATED,
    openapi_extra=declare(MANAGES, limited(LimitClass.TOKEN), takes_no_key()),
)
async def create_token(wanted: TokenRequest, deps: Deps, found: CurrentCaller) -> TokenShown:
    """Make a token, which is shown this once.

    A token makes none that may do more, or lasts longer, than itself.
    """
    new = NewToken(
        token_id=uuid4(),
        owner_id=found.caller.user_id,
        name=wanted.name,
        scopes=frozenset(wanted.scopes),
        expires_at=_expiry(wanted.valid_days),
    )
    issued = await Tokens(deps.database).issue(new, found.given.maker)
    if issued is None:
        raise not_valid(found.given)
    return TokenShown(
        token_id=new.token_id,
        name=new.name,
        scopes=tuple(sorted(new.scopes)),
        created_at=issued.created_at,
        expires_at=issued.expires_at,
        last_used_at=None,
        token=issued.secret,
    )


@router.delete("/tokens/{token_id}", status_code=HTTPStatus.NO_CONTENT, openapi_extra=MANAGES)
async def revoke_token(token_id: UUID, request: Request, deps: Deps, caller_id: CallerId) -> None:
    """Revoke a token of yours."""
    revoked = await Tokens(deps.database).revoke_one(caller_id, token_id)
    known_callers(request.app).forget(caller_id)
    if not revoked:
        raise NotFound("token")


def _expiry(days: int | None) -> str | None:
    return None if days is None else rfc3339(datetime.now(UTC) + timedelta(days=days))
