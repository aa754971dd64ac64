"""The pages that lead to another site to log in, and where it sends people back to.

To begin changes nothing here but a row and a cookie, which are of use to this browser alone; yet no
page of another site can have it begin, where the browser says so, nor show any of it in a frame.
"""

from html import escape
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from libs.common.errors import Transient
from services.gateway.accounts.current_caller import known_callers
from services.gateway.accounts.identities.login_flows import MOST_PATH
from services.gateway.accounts.identities.logins import (
    PAGES,
    EndedLogin,
    ReturnedBrowser,
)
from services.gateway.accounts.identities.refusals import LoginRefused, Reason
from services.gateway.accounts.open_route import OpenRoute
from services.gateway.accounts.routing.identity_routes import Logins
from services.gateway.accounts.signing_in.cross_site import OURS, is_embedded
from services.gateway.accounts.signing_in.flow_cookies import (
    drop_flow_cookie,
    flow_secret,
    set_flow_cookie,
)
from services.gateway.accounts.signing_in.session_cookies import session_secret, set_session_cookie
from services.gateway.http.context import Deps
from services.gateway.http.description.declared import declare
from services.gateway.http.models import open_to_all
from services.gateway.http.query_names import ANY_NAMES
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.errors import NotFound

log = structlog.get_logger(__name__)

router = APIRouter(prefix=PAGES, include_in_schema=False, route_class=OpenRoute)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
STATUS: dict[Reason, HTTPStatus] = {
    "unknown_flow": HTTPStatus.BAD_REQUEST,
    "other_browser": HTTPStatus.BAD_REQUEST,
    "declined": HTTPStatus.BAD_REQUEST,
    "bad_answer": HTTPStatus.BAD_GATEWAY,
}
"""Of refusals; the others are forbidden."""
NOWHERE = "This site has no such way to log in."
LATER = "This cannot be done just now. Try again in a moment."
FROM_ELSEWHERE = "Another site sent you here to log in. If that is what you want, go on:"
MOST_CODE = 4096
MOST_STATE = 200
MOST_ISSUER = 500


@router.get("/{provider}", openapi_extra=declare(open_to_all(), limited(LimitClass.LOGIN)))
async def begin_login(
    provider: str,
    request: Request,
    deps: Deps,
    logins: Logins,
    next_path: Annotated[str | None, Query(alias="next", max_length=MOST_PATH)] = None,
    remember: bool = False,
) -> Response:
    """Send the browser to another site to log in there."""
    if request.headers.get("sec-fetch-site", "none") not in OURS or is_embedded(request):
        return _asking(request)
    try:
        begun = await logins.begin(provider, next_path, remembered=remember)
    except NotFound:
        return _page(HTTPStatus.NOT_FOUND, NOWHERE)
    except LoginRefused as refused:
        return _refused(refused)
    except Transient:
        return _page(HTTPStatus.SERVICE_UNAVAILABLE, LATER)
    answer = RedirectResponse(begun.url, HTTPStatus.SEE_OTHER, HEADERS)
    set_flow_cookie(answer, deps.accounts, begun.browser)
    return answer


@router.get("/{provider}/callback", openapi_extra=declare(open_to_all(), ANY_NAMES))
async def end_login(provider: str, request: Request, deps: Deps, logins: Logins) -> Response:
    """Let somebody in whom another site sends back."""
    if is_embedded(request):
        return _refused(LoginRefused("other_browser"))
    try:
        ended = await logins.finish(provider, _returned(request, deps))
    except NotFound:
        return _page(HTTPStatus.NOT_FOUND, NOWHERE)
    except LoginRefused as refused:
        answer: Response = _refused(refused)
    except Transient:
        answer = _page(HTTPStatus.SERVICE_UNAVAILABLE, LATER)
    else:
        known_callers(request.app).forget(ended.user_id)
        answer = _ended(ended)
        if ended.session is not None:
            session = ended.session
            set_session_cookie(answer, deps.accounts, session.secret, session.lasts)
    drop_flow_cookie(answer, deps.accounts)
    return answer


def _returned(request: Request, deps: Deps) -> ReturnedBrowser:
    query = request.query_params
    return ReturnedBrowser(
        state=query.get("state", "")[:MOST_STATE],
        code=query.get("code", "")[:MOST_CODE],
        issuer=query["iss"][:MOST_ISSUER] if "iss" in query else None,
        is_declined="error" in query,
        flow=flow_secret(request, deps.accounts),
        session=session_secret(request, deps.accounts),
        agent=request.headers.get("user-agent", ""),
    )


def _asking(request: Request) -> HTMLResponse:
    query = f"?{request.url.query}" if request.url.query else ""
    link = escape(f"{request.url.path}{query}")
    body = f'<p>{FROM_ELSEWHERE}</p>\n<p><a href="{link}">Log in</a></p>'
    return _html(HTTPStatus.FORBIDDEN, "Log in?", body)


def _ended(ended: EndedLogin) -> Response:
    if ended.return_path is not None:
        return RedirectResponse(ended.return_path, HTTPStatus.SEE_OTHER, HEADERS)
    said = "You are logged in." if ended.session is not None else "The other site is linked."
    return _html(HTTPStatus.OK, "Done", f"<p>{said}</p>")


def _refused(refused: LoginRefused) -> HTMLResponse:
    log.info("a login with another site was refused", reason=refused.reason)
    return _page(STATUS.get(refused.reason, HTTPStatus.FORBIDDEN), str(refused))


def _page(status: HTTPStatus, said: str) -> HTMLResponse:
    return _html(status, "Not logged in", f"<p>{escape(said)}</p>")


def _html(status: HTTPStatus, title: str, body: str) -> HTMLResponse:
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title} - Lectern</title>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )
    return HTMLResponse(page, status, HEADERS)
