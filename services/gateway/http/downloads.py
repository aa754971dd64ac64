"""Sends stored objects: whole or in part, so that players can seek and downloads can resume.

Range requests as in RFC 9110, section 14: one range at a time; several are answered with the whole,
which the RFC allows.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from libs.common.contracts.base import ObjectRef
from libs.common.storage.port import Storage
from services.gateway.http.problems import problem
from services.gateway.http.requests.methods import is_head

PRIVATE = "private"
_RANGE = re.compile(r"bytes\s*+=\s*+([0-9]{0,18})\s*+-\s*+([0-9]{0,18})\s*+", re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` up to, not including, ``end``."""

    start: int
    end: int


B = TypeVar("B", bytes, str)


class Unsatisfiable(Exception):
    """The range lies outside of the object."""


def asked_span(header: str | None, size: int) -> ByteRange | None:
    """Return what a Range header asks for of ``size`` bytes; None for the whole.

    A header that is no single byte range is ignored.

    Raises:
        Unsatisfiable: There is no such part.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        end = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or start >= end:
        raise Unsatisfiable
    return ByteRange(start, end)


async def send_object(
    request: Request,
    storage: Storage,
    ref: ObjectRef,
    media_type: str,
    disposition: str | None = None,
) -> Response:
    """Return the answer to a GET or HEAD of an object; its digest is its ETag.

    Raises:
        ObjectNotFound: It is gone.
    """
    etag = f'"{ref.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": PRIVATE}
    if disposition:
        headers["Content-Disposition"] = disposition
    if (unmet := _unmet(request, etag, headers)) is not None:
        return unmet
    try:
        span = _span(request, etag, ref.size)
    except Unsatisfiable:
        return problem(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "bad_range",
            f"There are {ref.size} bytes; ask for some of them.",
            {"Content-Range": f"bytes */{ref.size}", "Accept-Ranges": "bytes"},
        )
    status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{ref.size}"
    part = span or ByteRange(0, ref.size)
    headers["Content-Length"] = str(part.end - part.start)
    if is_head(request):
        return Response(status_code=status, headers=headers, media_type=media_type)
    blocks = await begun(storage.stream(ref.key, part.start, part.end))
    return ClosingResponse(blocks, status, headers, media_type)


def _unmet(request: Request, etag: str, headers: dict[str, str]) -> Response | None:
    """Return the answer to a condition that does not hold, in the order of RFC 9110, 13.2.2."""
    if _is_another(request.headers.get("if-match"), etag):
        return problem(
            HTTPStatus.PRECONDITION_FAILED,
            "stale",
            "This is another file than the one that If-Match names; fetch all of it.",
            {"ETag": etag},
        )
    if _is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return None


class ClosingResponse(StreamingResponse):
    """Closes what it sends from as soon as it has ended, however it ends."""

    body_iterator: AsyncGenerator[Any, None]

    async def stream_response(self, send: Send) -> None:
        """Send, then close."""
        async with aclosing(self.body_iterator):
            await super().stream_response(send)


def _span(request: Request, etag: str, size: int) -> ByteRange | None:
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != etag:
        return None
    return asked_span(request.headers.get("range"), size)


def _is_another(header: str | None, etag: str) -> bool:
    """Compare strongly, as RFC 9110, section 13.1.1 has it: a weak tag is never the same."""
    if header is None:
        return False
    return not {"*", etag} & {part.strip() for part in header.split(",")}


def _is_known(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    known = {part.strip().removeprefix("W/") for part in header.split(",")}
    return etag in known or "*" in known


async def begun(blocks: AsyncIterator[B]) -> AsyncGenerator[B, None]:
    """Wait for the first block, so that what is missing is noticed before an answer begins."""
    try:
        first = [await anext(blocks)]
    except StopAsyncIteration:
        first = []

    async def all_blocks() -> AsyncGenerator[B, None]:
        try:
            for block in first:
                yield block
            async for block in blocks:
                yield block
        finally:
            if isinstance(blocks, AsyncGenerator):
                await blocks.aclose()

    return all_blocks()
