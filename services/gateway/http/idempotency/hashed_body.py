"""The body of a request, with its fingerprint. What is streamed is never held as a whole."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from libs.common.errors import Rejected
from services.gateway.http.context import UPLOADS
from services.gateway.http.idempotency.fingerprints import Fingerprint
from services.gateway.http.middleware import is_streamed
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.pending import too_slow

FORM_ROOM_BYTES = 2 * 1024 * 1024


class HashedBody:
    """Reads the body for somebody else, or by itself what nobody else wants to read.

    ``request`` is what that somebody is to be given.
    """

    def __init__(self, request: Request, limits: GatewayLimits) -> None:
        self._given = request
        self._limits = limits
        self._fingerprint = Fingerprint(request)
        self._received = 0
        self._ended = False
        kind = request.headers.get("content-type", "")
        self.is_streamed = request.url.path == UPLOADS and is_streamed(kind)
        self.request = Request(request.scope, self._receive) if self.is_streamed else request

    async def known(self) -> str | None:
        """Return the fingerprint of what is read as a whole anyway; None of what is streamed."""
        return None if self.is_streamed else await self.whole()

    async def whole(self) -> str:
        """Return the fingerprint, once all has come.

        Raises:
            ClientDisconnect: It will not.
            Rejected: There is more of it than is taken, or it is too slow.
        """
        if not self.is_streamed and not self._ended:
            self._fingerprint.update(await self._given.body())
            self._ended = True
        try:
            async with asyncio.timeout(self._limits.upload_timeout_seconds):
                while not self._ended:
                    await self._receive()
                    self._check_length()
        except TimeoutError:
            raise too_slow() from None
        return self._fingerprint.hexdigest()

    async def _receive(self) -> Message:
        message = await self._given.receive()
        if message["type"] == "http.disconnect":
            if not self._ended:
                raise ClientDisconnect
            return message
        data = message.get("body", b"")
        self._received += len(data)
        self._fingerprint.update(data)
        self._ended = not message.get("more_body", False)
        return message

    def _check_length(self) -> None:
        most = self._limits.max_upload_bytes
        if self._received > most + FORM_ROOM_BYTES:
            raise Rejected("too_large", f"A file may have {most:,} bytes; this one has more.")
