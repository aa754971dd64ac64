"""The cookie that stands for a session."""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.gateway.accounts.signing_in.own_cookies import OwnCookie
from services.gateway.kernel.limits import AccountPolicy

SESSION_COOKIE = OwnCookie("__Host-lectern", "lectern-plain")


def session_secret(request: HTTPConnection, policy: AccountPolicy) -> str | None:
    """Return what the cookie of a request holds; None if it has none, or what cannot be ours."""
    return SESSION_COOKIE.secret(request, policy)


def set_session_cookie(
    answer: Response, policy: AccountPolicy, secret: str, lasts: timedelta | None
) -> None:
    """Have the browser keep a session, for so long or until it is closed."""
    SESSION_COOKIE.set(answer, policy, secret, lasts)


def drop_session_cookie(answer: Response, policy: AccountPolicy) -> None:
    """Have the browser forget the session."""
    SESSION_COOKIE.drop(answer, policy)
