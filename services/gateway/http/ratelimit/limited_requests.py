"""Limits of requests: spent once their rights are known, told in headers, given back if refused.

The headers are those of draft-ietf-httpapi-ratelimit-headers-11 (May 2026): ``RateLimit-Policy``
says how many (``q``) there may be in a window of so many seconds (``w``), ``RateLimit`` how many
are left (``r``) and in how many seconds (``t``) the window ends. ``Retry-After`` is in seconds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http.problems import Refused
from services.gateway.http.ratelimit.client_networks import client_network
from services.gateway.http.ratelimit.limit_classes import LimitClass
from services.gateway.http.ratelimit.rate_limiter import RateLimiter, SpentShare

KEY = "lectern.ratelimit"
POLICY, STATE = "RateLimit-Policy", "RateLimit"
HEADERS: Mapping[str, Any] = {
    POLICY: {
        "description": "Limits of such requests: how many (q) in a window of seconds (w).",
        "schema": {"type": "string"},
    },
    STATE: {
        "description": "How many of them are left (r), until the window ends in seconds (t).",
        "schema": {"type": "string"},
    },
}


@dataclass
class RequestShares:
    """What one request has spent."""

    limiter: RateLimiter
    spent: list[SpentShare] = field(default_factory=list)

    async def spend(self, limit_class: LimitClass, key: str) -> None:
        """Take one of a share.

        Raises:
            Refused: There is none left.
        """
        spent = await self.limiter.spend(limit_class, key)
        if spent is None:
            return
        self.spent.append(spent)
        if spent.left < 0:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                "rate_limited",
                f"There may be {spent.most} of these ({limit_class}) in {spent.window_s} seconds. "
                f"Try again in {spent.reset_s} seconds.",
                headers={"Retry-After": str(spent.reset_s)},
            )

    async def settle(self, status: int) -> None:
        """Give back what does not count, for nothing came of it."""
        for spent in self.spent:
            if spent.left >= 0 and not spent.limit_class.counts(status):
                await self.limiter.give_back(spent)

    def headers(self) -> dict[str, str]:
        """Return what is told of it: for each class the share of which the least is left."""
        scarce: dict[LimitClass, SpentShare] = {}
        for spent in self.spent:
            known = scarce.get(spent.limit_class)
            if known is None or spent.left < known.left:
                scarce[spent.limit_class] = spent
        if not scarce:
            return {}
        told = scarce.values()
        return {
            POLICY: ", ".join(f'"{one.limit_class}";q={one.most};w={one.window_s}' for one in told),
            STATE: ", ".join(
                f'"{one.limit_class}";r={max(0, one.left)};t={one.reset_s}' for one in told
            ),
        }


class RateLimitedRequests:
    """Lets routes spend, and says in every answer what is left."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shares = scope[KEY] = RequestShares(self._limiter)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start" and shares.spent:
                await shares.settle(message["status"])
                MutableHeaders(scope=message).update(shares.headers())
            await send(message)

        await self._app(scope, receive, telling)


async def spend_of_user(scope: Scope, limit_class: LimitClass, user_id: object) -> None:
    """Take one of a user's share.

    Raises:
        Refused: There is none left.
    """
    await _spend(scope, limit_class, f"user/{user_id}")


async def spend_of_client(scope: Scope, limit_class: LimitClass) -> None:
    """Take one of the share of where a request comes from; errors as :func:`spend_of_user`."""
    await _spend(scope, limit_class, f"client/{client_network(scope)}")


async def spend_of_mailbox(scope: Scope, limit_class: LimitClass, folded: str) -> None:
    """Take one of the share of a mail address, which is no account for all that is known here.

    ``folded`` is the address as it is compared. Errors as :func:`spend_of_user`.
    """
    digest = hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()
    await _spend(scope, limit_class, f"mailbox/{digest}")


async def _spend(scope: Scope, limit_class: LimitClass, key: str) -> None:
    shares: RequestShares | None = scope.get(KEY)
    if shares is not None:
        await shares.spend(limit_class, key)
