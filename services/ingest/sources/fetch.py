"""Fetches a web address that a stranger gave us.

Every hop is resolved once, each of its addresses checked, and the connection made to one of the
addresses that were checked: a name that resolves differently the second time gains nothing.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.sources.addresses import Address, is_public, resolve

MAX_REDIRECTS = 5

Resolver = Callable[[str, int], Coroutine[Any, Any, list[Address]]]

_PORTS = {"http": 80, "https": 443}
_FIRST_UNPRIVILEGED_PORT = 1024
_MAX_URL_CHARS = 4000
_MAX_NAME_CHARS = 200
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TRY_AGAIN = frozenset((408, 425))
_GONE = frozenset((404, 410))
_NOT_FOR_US = frozenset((401, 402, 403, 407, 451))
_HEADERS = {
    "User-Agent": "Lectern/1.0 (reads documents aloud on behalf of a user)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,application/epub+zip,*/*;q=0.8",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a web address answered; ``url`` is where the redirects ended."""

    data: bytes
    url: str
    filename: str | None


@dataclass(frozen=True, kw_only=True)
class WebFetcher:
    """Fetches web addresses within limits.

    ``max_bytes`` counts decompressed bytes. ``timeout_seconds`` is for everything together:
    resolving, all hops, the body. ``allow_private`` lets tests and intranets fetch from addresses
    that are not public.
    """

    max_bytes: int = 20_000_000
    timeout_seconds: float = 10.0
    allow_private: bool = False
    resolver: Resolver = resolve

    async def fetch(self, url: str, path: Path) -> str | None:
        """Store what ``url`` answers at ``path``; return the file name that it goes by, if any.

        Raises:
            Rejected: see :meth:`get`.
            Transient: see :meth:`get`.
        """
        fetched = await self.get(url)
        await asyncio.to_thread(path.write_bytes, fetched.data)
        return fetched.filename

    async def get(self, url: str) -> Fetched:
        """Return what ``url`` answers.

        Raises:
            Rejected: the address is invalid, not public, not there, or answers too much.
            Transient: it does not answer in time, or says that it is its own fault.
        """
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._follow(url)
        except TimeoutError as error:
            raise Transient("the website does not answer in time") from error

    async def _follow(self, url: str) -> Fetched:
        current = _parsed(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._response(current) as response:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    current = _parsed(str(_joined(current, location)))
                    continue
                _check_status(response)
                data = await self._body(response)
                return Fetched(data, str(current), _filename(response, current))
        raise Rejected("too_many_redirects", "The web address redirects too many times.")

    @asynccontextmanager
    async def _response(self, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        """Send the request to the first checked address that accepts a connection."""
        failure: httpx.TransportError | None = None
        for address in await self._addresses(url):
            # trust_env: a proxy from the environment would resolve the name again.
            async with httpx.AsyncClient(trust_env=False, timeout=self.timeout_seconds) as client:
                try:
                    response = await client.send(_request(client, url, address), stream=True)
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

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        port = url.port or _PORTS[url.scheme]
        addresses = await self.resolver(url.host, port)
        if not addresses:
            raise Rejected("unknown_host", f"There is no website at {url.host}.")
        if self.allow_private:
            return addresses
        well_known = port < _FIRST_UNPRIVILEGED_PORT and port not in _PORTS.values()
        if well_known or not all(map(is_public, addresses)):
            raise Rejected("blocked_address", "This web address is not on the public internet.")
        return addresses

    async def _body(self, response: httpx.Response) -> bytes:
        too_large = Rejected(
            "too_large",
            f"The page is larger than {self.max_bytes / 1e6:.3g} MB. Please download it and upload"
            " it in parts.",
        )
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.max_bytes:
            raise too_large
        data = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > self.max_bytes:
                    raise too_large
        except httpx.DecodingError as error:
            raise Rejected("damaged", "The website sent data that cannot be unpacked.") from error
        except httpx.TransportError as error:
            raise Transient("the website broke the connection") from error
        if not data:
            raise Rejected("empty", "The website sent an empty page.")
        return bytes(data)


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


def _request(client: httpx.AsyncClient, url: httpx.URL, address: Address) -> httpx.Request:
    """Build a request to ``address`` that names the host in ``Host`` and, for TLS, in SNI.

    The certificate is checked against that name too.
    """
    headers = {**_HEADERS, "Host": url.netloc.decode("ascii")}
    return client.build_request(
        "GET",
        url.copy_with(host=str(address)),
        headers=headers,
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )


def _refuse_certificate(error: httpx.ConnectError) -> None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Rejected(
                "bad_certificate", "The website's security certificate is not valid."
            ) from error
        cause = cause.__cause__ or cause.__context__


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        after = response.headers.get("retry-after", "")
        raise Throttled(
            "the website asks for fewer requests", float(after) if after.isdigit() else None
        )
    if response.is_server_error or status in _TRY_AGAIN:
        raise Transient(f"the website answered with status {status}")
    if status in _GONE:
        raise Rejected("not_found", "There is no page at this web address.")
    if status in _NOT_FOR_US:
        raise Rejected("forbidden", "The website does not allow us to read this page.")
    raise Rejected("refused", f"The website refused to answer (status {status}).")


def _filename(response: httpx.Response, url: httpx.URL) -> str | None:
    """Return the name from ``Content-Disposition`` (RFC 6266), else the end of the path."""
    message = Message()
    message["content-disposition"] = response.headers.get("content-disposition", "")
    name = message.get_filename() or unquote(url.path.rpartition("/")[2])
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", name)[-1]).strip(". ")
    return name[:_MAX_NAME_CHARS] or None
