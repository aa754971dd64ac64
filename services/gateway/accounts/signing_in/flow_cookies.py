"""The cookie of a browser that is sent to another site to log in: it alone can end that login.

Whoever else has a link that ends a login, such as somebody who is to be logged in as another, has
nothing of it. It comes along when the other site sends the browser back: ``lax``, not ``strict``.
"""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.gateway.accounts.signing_in.own_cookies import OwnCookie
from services.gateway.kernel.limits import AccountPolicy

KEPT_FOR = timedelta(minutes=10)
FLOW_COOKIE = OwnCookie("__Host-lectern-login", "lectern-plain-login")


def flow_secret(request: HTTPConnection, policy: AccountPolicy) -> str | None:
    """Return what the cookie of a request holds; None if it has none, or what cannot be ours."""
    return FLOW_COOKIE.secret(request, policy)


def set_flow_cookie(answer: Response, policy: AccountPolicy, secret: str) -> None:
    """Have the browser keep it for as long as a login may take."""
    FLOW_COOKIE.set(answer, policy, secret, KEPT_FOR)


def drop_flow_cookie(answer: Response, policy: AccountPolicy) -> None:
    """Have the browser forget it."""
    FLOW_COOKIE.drop(answer, policy)
