"""Sessions: list mine, end one or all, log out.

What is ended here ends at once in this process; others know within ``callers.KNOWN_FOR_S`` seconds.
"""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Response
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerRoute, CurrentCaller, known_callers
from services.gateway.accounts.links.link_rows import removed_links_of
from services.gateway.accounts.signing_in.login_sessions import (
    MOST_SESSIONS,
    end_sessions,
    sessions_of,
)
from services.gateway.accounts.signing_in.session_cookies import drop_session_cookie
from services.gateway.accounts.views import SessionView, session_view
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare
from services.gateway.http.idempotency.repeated_requests import takes_no_key
from services.gateway.http.models import PROBLEMS, Limit, Listing, Place, listed, needs
from services.gateway.kernel.errors import NotFound

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)

MANAGES = needs(Capability.MANAGE_ACCOUNT)


@router.get("/sessions", openapi_extra=MANAGES)
async def sessions(
    deps: Deps, found: CurrentCaller, limit: Limit = MOST_SESSIONS, cursor: Place = 0
) -> Listing[SessionView]:
    """List where you are logged in, newest first."""
    async with deps.database.reading() as connection:
        mine = await sessions_of(connection, found.caller.user_id)
    return listed([session_view(one, found.given.digest) for one in mine], limit, cursor)


@router.delete("/sessions/{session_id}", status_code=HTTPStatus.NO_CONTENT, openapi_extra=MANAGES)
async def end_session(session_id: UUID, request: Request, deps: Deps, found: CurrentCaller) -> None:
    """End one session of yours."""
    user_id = found.caller.user_id
    async with deps.transaction() as command:
        ended = await end_sessions(command.connection, user_id, session_id=session_id)
    known_callers(request.app).forget(user_id)
    if not ended:
        raise NotFound("session")


@router.delete("/sessions", status_code=HTTPStatus.NO_CONTENT, openapi_extra=MANAGES)
async def end_all_sessions(request: Request, deps: Deps, found: CurrentCaller) -> Response:
    """End all sessions of yours, this one too, and all links in mails that would let you in."""
    async with deps.transaction() as command:
        await end_sessions(command.connection, found.caller.user_id)
        await command.apply([removed_links_of(found.caller.user_id)])
    return _logged_out(request, deps, found)


@router.post(
    "/logout", status_code=HTTPStatus.NO_CONTENT, openapi_extra=declare(MANAGES, takes_no_key())
)
async def log_out(request: Request, deps: Deps, found: CurrentCaller) -> Response:
    """End this session; who came with a token stays as they are."""
    user_id, digest = found.caller.user_id, found.given.digest
    async with deps.transaction() as command:
        await end_sessions(command.connection, user_id, digest=digest)
    return _logged_out(request, deps, found)


def _logged_out(request: Request, deps: Deps, found: CurrentCaller) -> Response:
    known_callers(request.app).forget(found.caller.user_id)
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    drop_session_cookie(answer, deps.accounts)
    return answer
