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

from libs.common.contracts.permissions import Capability, is_for_staff, scope_of
from libs.common.database.engine import Database
from services.gateway.accounts.callers import Caller, KnownCallers, digest_of
from services.gateway.accounts.tokens import Tokens
from services.gateway.http.admission import belongs_to
from services.gateway.http.context import Deps, kernel_of
from services.gateway.http.models import needed
from services.gateway.http.problems import Refused
from services.gateway.kernel.errors import Forbidden

MAX_TOKEN_CHARACTERS = 200
KEY = "lectern.owner"

_bearer = HTTPBearer(auto_error=False, description="A token of `lectern token create`.")


class OwnedRoute(APIRoute):
    """Serves nobody but those whose credentials are good for what the route declares it needs.

    What a caller may do to a document is for the command or query behind the route to check.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer, capability = super().get_route_handler(), needed(self.openapi_extra)

        async def answer_owner(request: Request) -> Response:
            caller = await _identify(request)
            _check(caller, capability)
            request.scope[KEY] = caller.user_id
            return await answer(request)

        return answer_owner


async def _identify(request: Request) -> Caller:
    """Return whose token came with the request.

    Raises:
        Refused: None did, or it is not valid; or its owner asks for too much at a time.
    """
    given = await _bearer(request)
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    caller = None
    if len(given.credentials) <= MAX_TOKEN_CHARACTERS:
        caller = await _caller(request, given.credentials)
    if caller is None:
        raise _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')
    belongs_to(request.scope, caller.user_id)
    return caller


def known_callers(app: Any) -> KnownCallers:
    """Return those that were looked up a moment ago in this process."""
    if not hasattr(app.state, "known_callers"):
        app.state.known_callers = KnownCallers()
    found: KnownCallers = app.state.known_callers
    return found


async def _caller(request: Request, token: str) -> Caller | None:
    known, digest = known_callers(request.app), digest_of(token)
    if (caller := known.find(digest)) is not None:
        return caller
    caller = await Tokens(kernel_of(request).database).caller(token)
    if caller is not None:
        known.remember(digest, caller)
    return caller


def _check(caller: Caller, capability: Capability) -> None:
    """Return if the credentials are good for ``capability``.

    Raises:
        Refused: They lack the scope, or it is for staff.
    """
    scope = scope_of(capability)
    if scope not in caller.scopes:
        detail = f"The token lacks the scope {scope}, which this needs: {capability}."
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'  # RFC 6750, section 3.1
        headers = {"WWW-Authenticate": challenge}
        raise Refused(HTTPStatus.FORBIDDEN, "insufficient_scope", detail, headers=headers)
    if is_for_staff(capability) and not caller.is_staff:
        raise Forbidden(f"This is for the staff of the installation: {capability}.")


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
