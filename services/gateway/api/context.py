"""What the endpoints need, and who is asking."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from libs.common.storage import Storage
from services.gateway.api.problems import Refused
from services.gateway.changes import Changes
from services.gateway.commands import Commands
from services.gateway.queries import Queries
from services.gateway.tokens import Tokens

MAX_TOKEN_CHARACTERS = 200
MAX_PAGE = 2**31 - 1
PREFIX = "/api/v1"


@dataclass(frozen=True)
class Context:
    """What the endpoints need; one for each app."""

    commands: Commands
    queries: Queries
    tokens: Tokens
    changes: Changes
    storage: Storage
    max_json_bytes: int


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Needs = Annotated[Context, Depends(_context)]

_bearer = HTTPBearer(auto_error=False, description="A token of `lectern token create`.")


async def _caller(
    context: Needs, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> UUID:
    """Return whose token came with the request.

    Raises:
        Refused: None did, or it is not valid.
    """
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    caller = None
    if len(given.credentials) <= MAX_TOKEN_CHARACTERS:
        caller = await context.tokens.caller(given.credentials)
    if caller is None:
        raise _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')
    return caller.owner_id


def _unauthorized(detail: str, challenge: str) -> Refused:
    headers = {"WWW-Authenticate": challenge}
    return Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers)


Who = Annotated[UUID, Depends(_caller)]
PageOfPath = Annotated[int, Path(ge=1, le=MAX_PAGE)]
