"""Whose token came with a request.

It is looked at before anything of the body is read: who has none makes nobody wait.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from libs.common.database.engine import Database
from services.gateway.accounts.tokens import Tokens
from services.gateway.http.admission import belongs_to
from services.gateway.http.context import Deps, kernel_of
from services.gateway.http.problems import Refused

MAX_TOKEN_CHARACTERS = 200
KEY = "lectern.owner"

_bearer = HTTPBearer(auto_error=False, description="A token of `lectern token create`.")


class OwnedRoute(APIRoute):
    """Serves nobody but owners."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_owner(request: Request) -> Response:
            request.scope[KEY] = await _identify(request)
            return await answer(request)

        return answer_owner


async def _identify(request: Request) -> UUID:
    """Return whose token came with the request.

    Raises:
        Refused: None did, or it is not valid; or its owner asks for too much at a time.
    """
    given, deps = await _bearer(request), kernel_of(request)
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    caller = None
    if len(given.credentials) <= MAX_TOKEN_CHARACTERS:
        caller = await Tokens(deps.database).caller(given.credentials)
    if caller is None:
        raise _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')
    belongs_to(request.scope, caller.owner_id)
    return caller.owner_id


async def _current_owner(
    request: Request,
    _given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> UUID:
    """Return whose request it is, as its route found out."""
    owner: UUID = request.scope[KEY]
    return owner


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
