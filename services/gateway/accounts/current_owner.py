"""Whose token came with a request."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.gateway.accounts.tokens import Tokens
from services.gateway.http.context import Deps
from services.gateway.http.problems import Refused

MAX_TOKEN_CHARACTERS = 200

_bearer = HTTPBearer(auto_error=False, description="A token of `lectern token create`.")


async def _current_owner(
    deps: Deps, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> UUID:
    """Return whose token came with the request.

    Raises:
        Refused: None did, or it is not valid.
    """
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    caller = None
    if len(given.credentials) <= MAX_TOKEN_CHARACTERS:
        caller = await Tokens(deps.database).caller(given.credentials)
    if caller is None:
        raise _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')
    return caller.owner_id


def _unauthorized(detail: str, challenge: str) -> Refused:
    headers = {"WWW-Authenticate": challenge}
    return Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=headers)


CurrentOwner = Annotated[UUID, Depends(_current_owner)]
