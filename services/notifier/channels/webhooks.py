"""Webhooks: one signed POST, and what the answer means.

| answer                                  | result      |
|-----------------------------------------|-------------|
| 2xx                                     | delivered   |
| 429, 503 with Retry-After               | Throttled   |
| 408, 409, 425, 429, 5xx, or too late    | Transient   |
| no connection                           | Unavailable |
| 3xx, 410 and every other 4xx            | Permanent   |

Redirects are not followed: they would carry the signed body to an address that nobody configured.
Reasons name no address, since they travel in events.
"""

import asyncio
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from libs.common.contracts.cloudevents import rfc3339
from libs.common.errors import Permanent, Throttled, Transient, Unavailable
from libs.common.public_addresses import is_loopback, is_public, resolve
from services.notifier.channels.signing import signed_headers
from services.notifier.notices import Notice

MAX_ANSWER_BYTES = 64 * 1024
MAX_RETRY_AFTER_S = 24 * 3600.0
WORTH_ANOTHER_TRY = frozenset({408, 409, 425, 429})
MAY_SAY_WHEN = frozenset({429, 503})
GONE = 410
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """Posts notices. ``timeout_s`` bounds a whole attempt.

    ``keys`` are those of each address, which no two share: a receiver that makes its own known can
    be impersonated to itself alone.

    Without ``allow_private`` the receiver's name is resolved first, and the request goes to the
    address that was checked: a name that changes its mind (DNS rebinding) gains nothing.
    """

    client: httpx.AsyncClient
    keys: Mapping[str, Sequence[bytes]] = field(repr=False)
    timeout_s: float
    allow_private: bool

    async def post(self, notice: Notice, url: str) -> None:
        """Deliver ``notice`` to ``url``; returns when the receiver has accepted it.

        Raises:
            Permanent, Transient, Throttled, Unavailable: As in the table above.
        """
        if url not in self.keys:
            raise Permanent("there is no secret for the webhook any more")
        body = webhook_body(notice)
        headers = {
            "content-type": "application/json",
            "user-agent": "Lectern",
            **signed_headers(self.keys[url], str(notice.notification_id), datetime.now(UTC), body),
        }
        try:
            async with asyncio.timeout(self.timeout_s):
                request = self.client.build_request("POST", url, content=body, headers=headers)
                if not self.allow_private:
                    await _pin(request)
                response = await self._send(request)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Transient("the receiver did not answer in time") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Permanent("the address of the webhook is not one") from error
        except httpx.TransportError as error:
            raise Unavailable("the receiver cannot be reached") from error
        _check(response)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self.client.send(request, stream=True)
        try:
            read = 0
            async for chunk in response.aiter_raw():  # raw: what is ignored needs no unpacking
                read += len(chunk)
                if read > MAX_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return response


def webhook_client(*, allow_private: bool) -> httpx.AsyncClient:
    """Return the client for :class:`Webhooks`; the caller closes it.

    A proxy from the environment is used only while private addresses are allowed: it would resolve
    names by itself. Cookies are not kept.
    """
    # At INFO httpx logs every URL, and those of webhooks often hold a token.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=allow_private,
        timeout=None,  # noqa: S113 - every attempt is bounded as a whole
        # A pinned connection belongs to an address, and could be taken for another host's there,
        # whose certificate was not checked: it is not kept.
        limits=httpx.Limits(
            max_connections=50,
            max_keepalive_connections=20 if allow_private else 0,
            keepalive_expiry=30,
        ),
    )


def webhook_body(notice: Notice) -> bytes:
    """Return the body: type, moment of the event, and its fields as on the wire."""
    body = {
        "type": notice.about_type,
        "timestamp": rfc3339(notice.occurred_at),
        "data": notice.data,
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def webhook_url_problem(url: str, *, allow_http: bool) -> str | None:
    """Return what is wrong with ``url`` as a webhook's address, in words that do not repeat it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a web address"
    if parts.scheme not in ("https", "http") or not host:
        return "must begin with https:// and name a host"
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        return "must begin with https://"
    return None


async def _pin(request: httpx.Request) -> None:
    """Direct ``request`` to a public address of its host; name and certificate stay the host's."""
    host = request.url.host
    try:
        addresses = await resolve(host, request.url.port or _DEFAULT_PORTS[request.url.scheme])
    except (OSError, UnicodeError) as error:
        raise Unavailable("the receiver's name cannot be resolved") from error
    if not addresses or not all(map(is_public, addresses)):
        raise Permanent("the receiver is in a private network, which the settings do not allow")
    request.extensions["sni_hostname"] = host  # headers keep the name in Host already
    request.url = request.url.copy_with(host=str(addresses[0]))


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    said = f"the receiver answered {status}"
    if status in MAY_SAY_WHEN:
        wait_s = _retry_after_s(response.headers.get("retry-after", ""))
        if wait_s is not None:
            raise Throttled(said, wait_s)
    if status in WORTH_ANOTHER_TRY or response.is_server_error:
        raise Transient(said)
    if response.is_redirect:
        raise Permanent(f"{said}: redirects are not followed; configure the final address")
    raise Permanent(f"{said}: it is gone" if status == GONE else said)


def _retry_after_s(value: str) -> float | None:
    """Read Retry-After, seconds or a date (RFC 9110, section 10.2.3); at most a day."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    if not math.isfinite(seconds):
        return None
    return min(MAX_RETRY_AFTER_S, max(0.0, seconds))
