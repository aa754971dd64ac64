"""The cookie of a browser that is sent to another site to log in: it alone can end that login.

Whoever else has a link that ends a login, such as somebody who is to be logged in as another, has
nothing of it. It comes along when the other site sends the browser back: ``lax``, not ``strict``.
"""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.gateway.kernel.limits import AccountPolicy

SECURE_FLOW_NAME = "__Host-lectern-login"
PLAIN_FLOW_NAME = "lectern-plain-login"
KEPT_FOR = timedelta(minutes=10)
MOST_CHARACTERS = 200


def flow_cookie_name(policy: AccountPolicy) -> str:
    """Return how the cookie is called."""
    return SECURE_FLOW_NAME if policy.secure_cookies else PLAIN_FLOW_NAME


def flow_secret(request: HTTPConnection, policy: AccountPolicy) -> str | None:
    """Return what the cookie of a request holds; None if it has none, or what cannot be ours."""
    found = request.cookies.get(flow_cookie_name(policy))
    return found if found and len(found) <= MOST_CHARACTERS else None


def set_flow_cookie(answer: Response, policy: AccountPolicy, secret: str) -> None:
    """Have the browser keep it for as long as a login may take."""
    answer.set_cookie(
        flow_cookie_name(policy),
        secret,
        max_age=int(KEPT_FOR.total_seconds()),
        path="/",
        secure=policy.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def drop_flow_cookie(answer: Response, policy: AccountPolicy) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(
        flow_cookie_name(policy),
        path="/",
        secure=policy.secure_cookies,
        httponly=True,
        samesite="lax",
    )
