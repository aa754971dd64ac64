"""The id of a request: in its answer, in its problems, and in every line of the logs about it."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars, get_contextvars

HEADER = "X-Request-Id"
KEY = "request_id"
_SAFE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class IdentifiedRequests:
    """Gives every request an id: that of the client if it is a short plain word, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        theirs = Headers(scope=scope).get(HEADER, "")
        request_id = theirs if _SAFE.fullmatch(theirs) else uuid4().hex

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(**{KEY: request_id}):
            await self._app(scope, receive, with_id)


def current_request_id() -> str | None:
    """Return the id of the request that is being answered, if one is."""
    found = get_contextvars().get(KEY)
    return None if found is None else str(found)
