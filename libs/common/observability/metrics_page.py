"""What the HTTP side has to do with metrics: the page they are read from, and requests measured."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.errors import LecternError
from libs.common.observability.metrics import Metrics

log = structlog.get_logger(__name__)

REFRESH_TIMEOUT_S = 2.0
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


def metrics_route(metrics: Metrics, refresh: Callable[[], Awaitable[None]] | None = None) -> Route:
    """Return the route ``/metrics``, in the format that the scraper asks for.

    ``refresh`` sets gauges that have to be looked up, such as the length of a queue. If it fails or
    takes longer than two seconds, they keep their values: a scrape must work when a database does
    not.
    """

    async def page(request: Request) -> Response:
        if refresh is not None:
            try:
                async with asyncio.timeout(REFRESH_TIMEOUT_S):
                    await refresh()
            except (LecternError, TimeoutError) as error:
                log.warning("gauges not refreshed", error=type(error).__name__)
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encoder(metrics.registry), headers={"content-type": content_type})

    return Route("/metrics", page)


class MeasuredRequests:
    """ASGI middleware that counts and times requests.

    They are told apart by the route's template, never by the path, which anybody can make up.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and count it when its answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = "500", perf_counter()

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting_status)
        finally:
            labels = {"route": _route(scope), "method": _method(scope), "status": status}
            self._metrics.http_requests_total.labels(**labels).inc()
            self._metrics.http_request_seconds.labels(**labels).observe(perf_counter() - started)


def _route(scope: Scope) -> str:
    template = getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else "unmatched"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "other"
