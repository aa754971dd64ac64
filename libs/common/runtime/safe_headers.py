"""Headers that keep browsers from guessing, framing, leaking and storing; on every answer.

Sources: OWASP Secure Headers Project; RFC 6797 for Strict-Transport-Security, which only means
something where the client came by TLS.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What an answer has unless it says otherwise."""
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"


class SafeHeaders:
    """Adds them to what an application answers; ``always_tls`` if clients come by no other way."""

    def __init__(self, app: ASGIApp, *, always_tls: bool = False) -> None:
        self._app = app
        self._always_tls = always_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        by_tls = self._always_tls or scope.get("scheme") == "https"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
                if by_tls:
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            await send(message)

        await self._app(scope, receive, with_headers)


def as_raw() -> list[tuple[bytes, bytes]]:
    """Return the headers for an answer that no application makes."""
    return [(name.lower().encode(), value.encode()) for name, value in SAFE.items()]
