"""The cookie that stands for a session: out of reach of scripts, of other sites, of plain HTTP.

``__Host-`` keeps other hosts of the same domain from setting it (RFC 6265bis, section 4.1.3.2). On
plain HTTP, as standalone serves it on this machine, it has another name and no such attribute.
"""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.gateway.kernel.limits import AccountPolicy

SECURE_NAME = "__Host-lectern"
PLAIN_NAME = "lectern-plain"
MOST_CHARACTERS = 200


def cookie_name(policy: AccountPolicy) -> str:
    """Return how the cookie is called."""
    return SECURE_NAME if policy.secure_cookies else PLAIN_NAME


def session_secret(request: HTTPConnection, policy: AccountPolicy) -> str | None:
    """Return what the cookie of a request holds; None if it has none, or what cannot be ours."""
    found = request.cookies.get(cookie_name(policy))
    return found if found and len(found) <= MOST_CHARACTERS else None


def set_session_cookie(
    answer: Response, policy: AccountPolicy, secret: str, lasts: timedelta | None
) -> None:
    """Have the browser keep a session, for so long or until it is closed."""
    answer.set_cookie(
        cookie_name(policy),
        secret,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        path="/",
        secure=policy.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(answer: Response, policy: AccountPolicy) -> None:
    """Have the browser forget the session."""
    answer.delete_cookie(
        cookie_name(policy),
        path="/",
        secure=policy.secure_cookies,
        httponly=True,
        samesite="lax",
    )
