"""The methods of a path: HEAD wherever GET is, and which there are.

RFC 9110, sections 9.3.2 (HEAD), 10.2.1 (Allow) and 15.5.6 (405).
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "lectern.head"
ROUTED = ("GET", "POST", "PUT", "PATCH", "DELETE")
FOUND_BY_ROUTING = ("route", "endpoint", "path_params")
"""What those outside want to know of a request: the span, the metrics."""


class HeadRequests:
    """Answers HEAD as GET would be, without the body; no route has to declare it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        as_get = {**scope, "method": "GET", KEY: True}
        try:
            await self._app(as_get, receive, without_body)
        finally:
            scope.update({key: as_get[key] for key in FOUND_BY_ROUTING if key in as_get})


def is_head(request: Request) -> bool:
    """Return whether nobody will see the body, so that it need not be made."""
    return KEY in request.scope


def allowed_methods(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """Return the header Allow of a path: the methods of all its routes, in order."""
    found = {method for method in ROUTED if _is_routed(routes, {**scope, "method": method})}
    if "GET" in found:
        found.add("HEAD")
    return ", ".join(sorted({*found, "OPTIONS"}))


def _is_routed(routes: Sequence[BaseRoute], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)
