"""Answers POST requests with an Idempotency-Key: the first does the work, others get its answer.

As in draft-ietf-httpapi-idempotency-key-header-07 (October 2025), whose status codes are used here:
400 for what is no key, 409 while the first one is under way, 422 where something else is asked for.
The key may stand in quotes, as there, or without.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.http.idempotency.hashed_body import HashedBody
from services.gateway.http.idempotency.key_rows import KeptAnswer, KeyRow, UsedKey, find_key
from services.gateway.http.idempotency.request_claims import RequestClaim
from services.gateway.http.problems import Refused
from services.gateway.kernel.fences import fenced_by
from services.gateway.kernel.record import Kernel

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
LONGEST_KEY = 255
LARGEST_ANSWER_BYTES = 64 * 1024
KEPT_HEADERS = ("content-type", "location", "etag")
WAIT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
TAKES_NO_KEY = "x-takes-no-idempotency-key"
_DOCUMENT = re.compile(r"/documents/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")

Answering = Callable[[Request], Awaitable[Response]]


def takes_no_key() -> dict[str, Any]:
    """Declare, in ``openapi_extra``, that the answer of a route must not be kept."""
    return {TAKES_NO_KEY: True}


def refuses_key(openapi_extra: Mapping[str, Any] | None) -> bool:
    """Tell whether a route declared :func:`takes_no_key`."""
    return TAKES_NO_KEY in (openapi_extra or {})


def check_no_key(request: Request) -> None:
    """Refuse a key where it would promise too much.

    Raises:
        Refused: The request has one.
    """
    if HEADER in request.headers:
        detail = "The answer to this is not kept anywhere. Send it without Idempotency-Key."
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_unsupported", detail)


@dataclass(frozen=True, kw_only=True)
class RepeatedRequests:
    """``wait_s`` is for how long a repetition waits for the answer to the first request."""

    kernel: Kernel
    wait_s: float = WAIT_S

    async def answer(self, request: Request, user_id: UUID, answer: Answering) -> Response:
        """Return what ``answer`` does, or did when it was asked before with the same key.

        Raises:
            Refused: The key is none, or was sent with something else, or its request is under way.
        """
        key = given_key(request)
        if key is None:
            return await answer(request)
        body = HashedBody(request, self.kernel.limits)
        known = await body.known()
        claim = RequestClaim(self.kernel, UsedKey(user_id=user_id, key=key, token=uuid4()))
        over = await self._begin(claim, known)
        if over is not None:
            return _repeated(over, await body.whole())
        return await _first(claim, body, answer)

    async def _begin(self, claim: RequestClaim, known: str | None) -> KeyRow | None:
        """Return what became of an earlier request; None if this is the first, or the next try."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self.wait_s, FIRST_PAUSE_S
        while True:
            async with self.kernel.database.reading() as connection:
                row = await find_key(connection, claim.used)
            if row is None or row.is_abandoned:
                if await claim.take(known):
                    return None
            elif row.is_over or _differs(row, known):
                return row
            if loop.time() > until:
                detail = "The first request with this Idempotency-Key is under way. Try again."
                status, code = HTTPStatus.CONFLICT, "idempotency_in_flight"
                raise Refused(status, code, detail, headers={"Retry-After": "2"})
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def given_key(request: Request) -> str | None:
    """Return the key of a request, without quotes; None if it has none.

    Raises:
        Refused: It is empty, too long, or holds what cannot be printed.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    key = given[0].strip()
    if key[:1] == key[-1:] == '"' and len(key) > 1:
        key = key[1:-1]
    if (
        len(given) > 1
        or not 0 < len(key) <= LONGEST_KEY
        or not (key.isascii() and key.isprintable())
    ):
        detail = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters of ASCII."
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_idempotency_key", detail)
    return key


async def _first(claim: RequestClaim, body: HashedBody, answer: Answering) -> Response:
    try:
        async with claim.renewed():
            with fenced_by(claim.fence):
                response = await answer(body.request)
            fingerprint = await body.whole()
    except BaseException:
        await claim.give_up()
        raise
    kept = _kept(response, body.request)
    if kept is None:
        await claim.give_up()
    else:
        await claim.keep(fingerprint, kept)
    return response


def _kept(response: Response, request: Request) -> KeptAnswer | None:
    """Return what is kept of an answer; None where nothing was done, or it is too large."""
    content = bytes(response.body)
    if response.status_code >= HTTPStatus.BAD_REQUEST or len(content) > LARGEST_ANSWER_BYTES:
        return None
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    about = _DOCUMENT.search(request.url.path) or _DOCUMENT.search(headers.get("location", ""))
    return KeptAnswer(
        status=response.status_code,
        headers=json.dumps(headers),
        body=content,
        document_id=None if about is None else UUID(about[1]),
    )


def _repeated(row: KeyRow, fingerprint: str) -> Response:
    if _differs(row, fingerprint):
        detail = "This Idempotency-Key was sent with another request. Make up a new one."
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
    if row.status is None:
        detail = "This was done, but its answer is lost. Look at what there is."
        raise Refused(HTTPStatus.CONFLICT, "idempotency_answer_lost", detail)
    headers = json.loads(row.headers or "{}") | {REPLAYED: "true"}
    return Response(row.body or b"", row.status, headers)


def _differs(row: KeyRow, fingerprint: str | None) -> bool:
    return None not in (row.fingerprint, fingerprint) and row.fingerprint != fingerprint
