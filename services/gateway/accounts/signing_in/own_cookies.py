"""Cookies that hold a secret: out of reach of scripts, of other sites, of plain HTTP.

``__Host-`` keeps other hosts of the same domain from setting one (RFC 6265bis, section 4.1.3.2). On
plain HTTP, as standalone serves it on this machine, it has another name and no such attribute.
"""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.gateway.kernel.limits import AccountPolicy

MOST_CHARACTERS = 200


@dataclass(frozen=True)
class OwnCookie:
    """One kind of cookie, by its names over HTTPS and over plain HTTP."""

    secure_name: str
    plain_name: str

    def name(self, policy: AccountPolicy) -> str:
        """Return how it is called."""
        return self.secure_name if policy.secure_cookies else self.plain_name

    def secret(self, request: HTTPConnection, policy: AccountPolicy) -> str | None:
        """Return what that of a request holds; None if it has none, or what cannot be ours."""
        found = request.cookies.get(self.name(policy))
        return found if found and len(found) <= MOST_CHARACTERS else None

    def set(
        self, answer: Response, policy: AccountPolicy, secret: str, lasts: timedelta | None
    ) -> None:
        """Have the browser keep it, for so long or until it is closed."""
        answer.set_cookie(
            self.name(policy),
            secret,
            max_age=None if lasts is None else int(lasts.total_seconds()),
            path="/",
            secure=policy.secure_cookies,
            httponly=True,
            samesite="lax",
        )

    def drop(self, answer: Response, policy: AccountPolicy) -> None:
        """Have the browser forget it."""
        answer.delete_cookie(
            self.name(policy),
            path="/",
            secure=policy.secure_cookies,
            httponly=True,
            samesite="lax",
        )
