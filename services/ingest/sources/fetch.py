"""Fetches a web address that a stranger gave us.

Every hop is resolved once, each of its addresses checked, and the connection made to one of the
addresses that were checked: a name that resolves differently the second time gains nothing. The
body goes to a file as it comes. Headers are at most 100 kB, which h11 sees to.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpx

from libs.common.errors import Rejected, Transient
from libs.common.public_addresses import Address, is_public, resolve
from services.ingest.sources.response_head import check_status, filename_of
from services.ingest.sources.unpacking import ACCEPTED, Unpacker

MAX_REDIRECTS = 5

Resolver = Callable[[str, int], Coroutine[Any, Any, list[Address]]]

_PORTS = {"http": 80, "https": 443}
_MAX_URL_CHARS = 4000
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_HEADERS = {
    "User-Agent": "Lectern/1.0 (reads documents aloud on behalf of a user)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,application/epub+zip,*/*;q=0.8",
    "Accept-Encoding": ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where redirects ended, and the file name that what was fetched goes by, if any."""

    url: str
    filename: str | None


@dataclass(frozen=True, kw_only=True)
class WebFetcher:
    """Fetches web addresses within limits.

    ``max_bytes`` counts what is received, and what it unpacks to. ``timeout_seconds`` is for
    everything together: resolving, all hops, the body, however slowly it drips. Of public addresses
    it connects to ``ports``; ``allow_private`` lets tests and intranets fetch from all others too,
    on any port. ``tls`` is what certificates are checked with, if it was made before.
    """

    max_bytes: int = 20_000_000
    timeout_seconds: float = 10.0
    allow_private: bool = False
    ports: frozenset[int] = frozenset(_PORTS.values())
    resolver: Resolver = resolve
    tls: ssl.SSLContext | None = None

    async def fetch(self, url: str, sink: BinaryIO) -> Fetched:
        """Write what ``url`` answers, unpacked, to ``sink``.

        Raises:
            Rejected: the address is invalid, not public, not there, or answers too much.
            Transient: it does not answer in time, or says that it is its own fault.
        """
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._follow(url, sink)
        except TimeoutError as error:
            raise Transient("the website does not answer in time") from error

    async def _follow(self, url: str, sink: BinaryIO) -> Fetched:
        current = _parsed(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._response(current) as response:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    current = _parsed(str(_joined(current, location)))
                    continue
                check_status(response)
                await self._body(response, sink)
                return Fetched(str(current), filename_of(response, current))
        raise Rejected("too_many_redirects", "The web address redirects too many times.")

    @asynccontextmanager
    async def _response(self, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        """Send the request to the first checked address that accepts a connection."""
        failure: httpx.TransportError | None = None
        for address in await self._addresses(url):
            async with self._transport() as transport:
                try:
                    response = await transport.handle_async_request(self._request(url, address))
                except httpx.ConnectError as error:
                    _refuse_certificate(error)
                    failure = error
                    continue
                except httpx.TransportError as error:
                    raise Transient("the website broke the connection") from error
                try:
                    yield response
                finally:
                    await response.aclose()
                return
        raise Transient("the website does not accept connections") from failure

    def _transport(self) -> httpx.AsyncHTTPTransport:
        """Return what speaks HTTP: no client, which has opinions on redirects and cookies."""
        verify = True if self.tls is None else self.tls
        # trust_env: a proxy from the environment would resolve the name again.
        return httpx.AsyncHTTPTransport(trust_env=False, verify=verify)

    def _request(self, url: httpx.URL, address: Address) -> httpx.Request:
        """Build a request to ``address`` that names the host in ``Host`` and, for TLS, in SNI.

        The certificate is checked against that name too.
        """
        return httpx.Request(
            "GET",
            url.copy_with(host=str(address)),
            headers={**_HEADERS, "Host": url.netloc.decode("ascii")},
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": httpx.Timeout(self.timeout_seconds).as_dict(),
            },
        )

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        port = url.port or _PORTS[url.scheme]
        addresses = await self._resolved(url.host, port)
        if not addresses:
            raise Rejected("unknown_host", f"There is no website at {url.host}.")
        if self.allow_private:
            return addresses
        if port not in self.ports:
            raise Rejected(
                "blocked_port", "Pages are fetched from the usual ports of websites only."
            )
        if not all(map(is_public, addresses)):
            raise Rejected("blocked_address", "This web address is not on the public internet.")
        return addresses

    async def _resolved(self, host: str, port: int) -> list[Address]:
        try:
            return await self.resolver(host, port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Transient("the name service does not answer") from error
            raise Rejected("unknown_host", f"There is no website at {host}.") from error
        except UnicodeError as error:
            raise Rejected("bad_url", "This is not a valid web address.") from error

    async def _body(self, response: httpx.Response, sink: BinaryIO) -> None:
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise self._too_large()
        unpacker = Unpacker(response.headers.get("content-encoding", ""))
        received = written = 0
        try:
            async for chunk in response.aiter_raw():
                received += len(chunk)
                for piece in unpacker.feed(chunk):
                    written += len(piece)
                    if max(received, written) > self.max_bytes:
                        raise self._too_large()
                    sink.write(piece)
                if received > self.max_bytes:  # of what unpacks to nothing, there may be no end
                    raise self._too_large()
        except httpx.TransportError as error:
            raise Transient("the website broke the connection") from error
        if not received:
            raise Rejected("empty", "The website sent an empty page.")
        unpacker.finish()

    def _too_large(self) -> Rejected:
        return Rejected(
            "too_large",
            f"The page is larger than {self.max_bytes / 1e6:.3g} MB. Please download it and upload"
            " it in parts.",
        )


def _parsed(url: str) -> httpx.URL:
    """Return a URL that is plainly http or https, without credentials or fragment."""
    invalid = Rejected("bad_url", "This is not a valid web address. It starts with https://.")
    if len(url) > _MAX_URL_CHARS:
        raise invalid
    try:
        parsed = httpx.URL(url.strip())
        plain = parsed.scheme in _PORTS and bool(parsed.host) and not parsed.userinfo
    except (httpx.InvalidURL, ValueError) as error:
        raise invalid from error
    if not plain:
        raise invalid
    return parsed.copy_with(fragment=None)


def _joined(base: httpx.URL, location: str) -> httpx.URL:
    try:
        return base.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise Rejected("bad_url", "The web address redirects to an invalid one.") from error


def _refuse_certificate(error: httpx.ConnectError) -> None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Rejected(
                "bad_certificate", "The website's security certificate is not valid."
            ) from error
        cause = cause.__cause__ or cause.__context__
