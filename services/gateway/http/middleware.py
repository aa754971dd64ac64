"""Around every request: a span, an answer to bugs, a limit."""

import asyncio
import math
from http import HTTPStatus

import structlog
from opentelemetry import trace
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.observability.telemetry import span_linked_to
from services.gateway.http.json_values import check_json
from services.gateway.http.problems import internal_error

log = structlog.get_logger(__name__)

WHOLE_BODY_S = 30.0
TOO_SLOW = f"The body did not come within {WHOLE_BODY_S:g} seconds."


class TracedRequests:
    """Runs the request in a span, and answers what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a trace that it came from is named."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        theirs = Headers(scope=scope).get("traceparent")
        method = str(scope["method"])
        with span_linked_to(theirs, f"http {method}", method=method) as span:
            status = await self._answer(scope, receive, send)
            route = getattr(scope.get("route"), "path", "unmatched")
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(trace.StatusCode.ERROR)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = 0

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_status)
        except ClientDisconnect:
            log.info("client went away", method=scope["method"])
        except Exception:
            log.exception("request failed unexpectedly", method=scope["method"])
            if status:
                raise  # too late for another answer: the connection is cut
            await internal_error(_trace_id())(scope, receive, noting_status)
        return status


class LimitedJson:
    """Refuses bodies that are read as a whole and have more than ``max_bytes``, or many values.

    They have to come within ``WHOLE_BODY_S``. What ``POST`` to ``uploads`` brings as a file is
    streamed, and limited where it is stored.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, uploads: str) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        headers = Headers(scope=scope)
        uploading = scope["method"] == "POST" and scope["path"] == self._uploads
        if not uploading or not is_streamed(headers.get("content-type", "")):
            receive = _WholeBody(receive, self._max_bytes, headers.get("content-length", "0")).more
        await self._app(scope, receive, send)


class _WholeBody:
    """A body that is refused while it is received, before anybody parses it."""

    def __init__(self, receive: Receive, max_bytes: int, length: str) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._said = int(length) if length.isdecimal() else 0
        self._body = bytearray()
        self._due = asyncio.get_running_loop().time() + WHOLE_BODY_S

    async def more(self) -> Message:
        """Receive more of it.

        Raises:
            HTTPException: It is too large, too slow, or holds too much.
        """
        if self._said > self._max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout_at(self._due):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW) from error
        self._body += message.get("body", b"")
        if len(self._body) > self._max_bytes:
            raise self._too_large()
        if not message.get("more_body", False):
            self._due = math.inf  # it is there; what follows is that the client goes away
            check_json(bytes(self._body))
            self._body.clear()
        return message

    def _too_large(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"This may have {self._max_bytes:,} bytes; upload longer texts as a file.",
        )


def is_streamed(content_type: str) -> bool:
    """Tell whether a body of this type is a file on its way to storage."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in {"multipart/form-data", "application/octet-stream"}


def _trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
