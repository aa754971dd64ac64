"""Whose credentials came with a request: a bearer token or link, or the cookie of a session.

They are looked at before anything of the body is read: who has none makes nobody wait.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from libs.common.contracts.permissions import Capability, Role, allows, is_for_staff, scope_of
from libs.common.database.engine import Database
from services.gateway.accounts.callers import Caller, KnownCallers, Maker, digest_of
from services.gateway.accounts.signing_in.cross_site import check_same_site
from services.gateway.accounts.signing_in.login_sessions import session_caller
from services.gateway.accounts.signing_in.session_cookies import session_secret
from services.gateway.accounts.tokens import Tokens, is_valid
from services.gateway.http.admission import belongs_to
from services.gateway.http.context import kernel_of
from services.gateway.http.idempotency.repeated_requests import (
    RepeatedRequests,
    check_no_key,
    refuses_key,
)
from services.gateway.http.models import needed
from services.gateway.http.problems import Refused
from services.gateway.http.ratelimit.limit_classes import limits_of
from services.gateway.http.ratelimit.limited_requests import spend_of_user
from services.gateway.kernel.errors import Forbidden
from services.gateway.kernel.record import FindCaller

MAX_TOKEN_CHARACTERS = 200
KEY = "lectern.caller"
LASTING = {
    Capability.MANAGE_ACCOUNT,
    Capability.MANAGE_LINKS,
    Capability.GRANT_SHARE,
    Capability.CHANGE_SHARE,
}
"""What outlives the credentials that it is done with: they are looked up anew for it."""

_bearer = HTTPBearer(auto_error=False, description="A token of the API.")


@dataclass(frozen=True, kw_only=True)
class GivenToken:
    """The credentials that came with a request, to be checked again while the answer lasts.

    ``find`` is what finds whose they are where they are neither a token nor a session.
    """

    database: Database
    secret: str = field(repr=False)
    is_session: bool
    find: FindCaller | None = None

    @property
    def digest(self) -> str:
        """What they are stored as."""
        return digest_of(self.secret)

    @property
    def maker(self) -> Maker:
        """What they are to other credentials that are made with them."""
        return Maker(self.digest, self.is_session)

    @property
    def known_as(self) -> str:
        """What they are known by here: that of a cookie is no token."""
        return f"session {self.digest}" if self.is_session else self.digest

    async def caller(self) -> Caller | None:
        """Return whose they are, None if they are not valid now.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if self.find is not None:
            found: Caller | None = await self.find(self.database, self.secret)
            return found
        if self.is_session:
            return await session_caller(self.database, self.secret)
        return await Tokens(self.database).caller(self.secret)

    async def is_valid(self) -> bool:
        """Return whether they are valid now. To ask is no use of them, and is not noted.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if self.find is not None:
            return await self.caller() is not None
        async with self.database.querying() as connection:
            return await is_valid(connection, self.maker)


@dataclass(frozen=True)
class GivenCaller:
    """Who is asking, and by which credentials."""

    caller: Caller
    given: GivenToken


class CallerRoute(APIRoute):
    """Serves nobody but those whose credentials are good for what the route declares it needs.

    What a caller may do to a document is for the command or query behind the route to check.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer, capability = super().get_route_handler(), needed(self.openapi_extra)
        limits, keyed = limits_of(self.openapi_extra), not refuses_key(self.openapi_extra)

        async def answer_caller(request: Request) -> Response:
            found = await _identify(request, anew=capability in LASTING)
            _check(found.caller, capability)
            request.scope[KEY] = found
            user_id = found.caller.user_id

            async def answer_once(request: Request) -> Response:
                for limit in limits:
                    await spend_of_user(request.scope, limit, found.caller.counted)
                return await answer(request)

            if request.method != "POST":
                return await answer_once(request)
            if not keyed:
                check_no_key(request)
            repeated = RepeatedRequests(kernel=kernel_of(request))
            return await repeated.answer(request, user_id, answer_once)

        return answer_caller


async def _identify(request: Request, *, anew: bool) -> GivenCaller:
    """Return whose credentials came with the request, looked up ``anew`` if asked.

    What was ended a moment ago must not be good for credentials that last.

    Raises:
        Refused: None did, or they are not valid; another site had a browser send them; or their
            owner asks for too much at a time.
    """
    given = await _given(request)
    if given is None:
        raise _unauthorized("This needs a bearer token.", "Bearer")
    if given.is_session:
        check_same_site(request, with_cookie=True)
    caller = None
    if len(given.secret) <= MAX_TOKEN_CHARACTERS:
        caller = await _caller(request, given, anew=anew)
    if caller is None:
        raise not_valid(given)
    belongs_to(request.scope, caller.counted)
    return GivenCaller(caller, given)


async def _given(request: Request) -> GivenToken | None:
    """Return the token of a request, else its session."""
    database, policy = kernel_of(request).database, kernel_of(request).accounts
    if (bearer := await _bearer(request)) is not None:
        find = kernel_of(request).finder_of(bearer.credentials)
        return GivenToken(database=database, secret=bearer.credentials, is_session=False, find=find)
    if (secret := session_secret(request, policy)) is not None:
        return GivenToken(database=database, secret=secret, is_session=True)
    return None


def not_valid(given: GivenToken) -> Refused:
    """Return the refusal of credentials that have ended, or never were any."""
    if given.is_session:
        return _unauthorized("You are not logged in any more; log in again.", "Bearer")
    return _unauthorized("The token is not valid.", 'Bearer error="invalid_token"')


def known_callers(app: Any) -> KnownCallers:
    """Return those that were looked up a moment ago in this process."""
    if not hasattr(app.state, "known_callers"):
        app.state.known_callers = KnownCallers()
    found: KnownCallers = app.state.known_callers
    return found


async def _caller(request: Request, given: GivenToken, *, anew: bool) -> Caller | None:
    if given.find is not None:  # what anybody may hold is not known by heart
        return await given.caller()
    known = known_callers(request.app)
    if not anew and (caller := known.find(given.known_as)) is not None:
        return caller
    since = known.forgotten
    caller = await given.caller()
    if caller is not None:
        known.remember(given.known_as, caller, since=since)
    return caller


def _check(caller: Caller, capability: Capability) -> None:
    """Return if the credentials are good for ``capability``.

    Raises:
        Refused: They lack the scope, or it is for staff.
        Forbidden: Links of documents are not good for it.
    """
    if caller.document_id is not None and not allows(Role.LINK_HOLDER, capability):
        raise Forbidden(f"A listen link is not good for this: {capability}.")
    scope = scope_of(capability)
    if scope not in caller.scopes:
        detail = f"The token lacks the scope {scope}, which this needs: {capability}."
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'  # RFC 6750, section 3.1
        headers = {"WWW-Authenticate": challenge}
        raise Refused(HTTPStatus.FORBIDDEN, "insufficient_scope", detail, headers=headers)
    if is_for_staff(capability) and not caller.is_staff:
        raise Forbidden(f"This is for the staff of the installation: {capability}.")


async def _current_caller(
    request: Request,
    _given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> GivenCaller:
    """Return whose request it is, as its route found out."""
    found: GivenCaller = request.scope[KEY]
    return found


CurrentCaller = Annotated[GivenCaller, Depends(_current_caller)]


async def _caller_id(found: CurrentCaller) -> UUID:
    return found.caller.user_id


async def _presented_token(found: CurrentCaller) -> GivenToken:
    return found.given


def _unauthorized(detail: str, challenge: str) -> Refused:
    headers = {"WWW-Authenticate": challenge}
    return Refused(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=headers)


async def _own_session(found: CurrentCaller) -> str:
    """Return the digest of the session that a request came with.

    Raises:
        Refused: It came with a token: whoever finds one must not become its owner.
    """
    if not found.given.is_session:
        detail = "A token is not enough to change who gets in; log in, and do it there."
        raise Refused(HTTPStatus.FORBIDDEN, "session_needed", detail)
    return found.given.digest


OwnSession = Annotated[str, Depends(_own_session)]
CallerId = Annotated[UUID, Depends(_caller_id)]
PresentedToken = Annotated[GivenToken, Depends(_presented_token)]
