"""Requests to other sites that people log in with: bounded in time and size, not redirected.

What they answer is foreign, also where it is an error: none of it is logged or passed on.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from services.gateway.accounts.identities.refusals import BadAnswer

WHOLE_ANSWER_S = 10.0
MOST_BYTES = 256 * 1024
NO_JSON = (ValueError, RecursionError)


@dataclass(frozen=True)
class ProviderRequests:
    """What is asked of other sites during one login."""

    client: httpx.AsyncClient

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of an address.

        Raises:
            BadAnswer: There is none that can be used.
        """
        said = {"Accept": "application/json", **(headers or {})}
        return await self._json(self.client.build_request("GET", url, headers=said))

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Any:
        """Return the JSON that a form is answered with.

        Raises:
            BadAnswer: There is none that can be used.
        """
        return await self._json(
            self.client.build_request("POST", url, headers=dict(headers), content=body)
        )

    async def _json(self, request: httpx.Request) -> Any:
        try:
            async with asyncio.timeout(WHOLE_ANSWER_S):
                status, body = await self._send(request)
        except TimeoutError:
            raise BadAnswer("it took too long") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise BadAnswer("it cannot be reached") from None
        if status != httpx.codes.OK:
            raise BadAnswer(f"it answered {status}")
        try:
            return json.loads(body)
        except NO_JSON:
            raise BadAnswer("its answer is no JSON") from None

    async def _send(self, request: httpx.Request) -> tuple[int, bytes]:
        response = await self.client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise BadAnswer("its answer is too large")
        finally:
            await response.aclose()
        return response.status_code, bytes(body)


@asynccontextmanager
async def provider_requests() -> AsyncIterator[ProviderRequests]:
    """Yield what asks other sites; connections are closed afterwards."""
    # At INFO httpx logs every URL that it asks for.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    async with httpx.AsyncClient(
        verify=await asyncio.to_thread(_tls),  # it reads a file of many certificates, once
        follow_redirects=False,
        timeout=None,  # noqa: S113 - every request is bounded as a whole
        # What is packed may unfold to any size: it is asked for as it is.
        headers={"User-Agent": "Lectern", "Accept-Encoding": "identity"},
    ) as client:
        yield ProviderRequests(client)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
