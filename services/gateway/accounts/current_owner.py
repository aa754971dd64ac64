"""Whose token came with a request."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from libs.common.database.engine import Database
from services.gateway.accounts.tokens import Tokens
from services.gateway.http.admission import belongs_to
from services.gateway.http.context import Deps
from services.gateway.http.problems import Refused

MAX_TOKEN_CHARACTERS = 200

_bearer = HTTPBearer(auto_error=False, description="A token of `lectern token create`.")


async def _current_owner(
    request: Request,
    deps: Deps,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> UUID:
    """Return whose token came with the request.

    Raises:
        Refused: None did, or it is not valid; or its owner asks for too much at a time.
    """
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    caller = None
    if len(given.credentials) <= MAX_TOKEN_CHARACTERS:
        caller = await Tokens(deps.database).caller(given.credentials)
    if caller is None:
        raise _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')
    belongs_to(request.scope, caller.owner_id)
    return caller.owner_id


@dataclass(frozen=True)
class GivenToken:
    """The token that came with a request, to be checked again while the answer lasts."""

    database: Database
    token: str

    async def is_valid(self) -> bool:
        """Return whether it is valid now.

        Raises:
            Unavailable: The database cannot be reached.
        """
        return await Tokens(self.database).caller(self.token) is not None


async def _presented_token(
    deps: Deps, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> GivenToken:
    return GivenToken(deps.database, given.credentials if given else "")


def _unauthorized(detail: str, challenge: str) -> Refused:
    headers = {"WWW-Authenticate": challenge}
    return Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=headers)


CurrentOwner = Annotated[UUID, Depends(_current_owner)]
PresentedToken = Annotated[GivenToken, Depends(_presented_token)]
