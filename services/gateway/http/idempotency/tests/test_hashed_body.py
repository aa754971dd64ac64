import asyncio
from dataclasses import replace

import pytest
from starlette.requests import ClientDisconnect, Request

from libs.common.errors import Rejected
from services.gateway.http.context import UPLOADS
from services.gateway.http.idempotency.hashed_body import FORM_ROOM_BYTES, HashedBody

OCTETS = "application/octet-stream"


def request_of(*pieces, content_type=OCTETS, path=UPLOADS, end=True):
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False} if end else GONE)

    async def receive():
        return messages.pop(0)

    headers = [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    scope |= {"headers": headers, "server": ("x", 80), "scheme": "http"}
    return Request(scope, receive)


GONE = {"type": "http.disconnect"}


@pytest.fixture
def limits(world):
    return replace(world.kernel.limits, max_upload_bytes=1000, upload_timeout_seconds=0.2)


async def test_what_is_streamed_is_hashed_as_somebody_reads_it(limits):
    body = HashedBody(request_of(b"01", b"23"), limits)
    assert (body.is_streamed, await body.known()) == (True, None)
    read = [piece async for piece in body.request.stream()]
    assert b"".join(read) == b"0123"
    unread = HashedBody(request_of(b"0", b"123"), limits)
    assert await unread.whole() == await body.whole()


async def test_what_is_left_of_it_is_read(limits):
    body = HashedBody(request_of(b"01", b"23"), limits)
    async for piece in body.request.stream():
        assert piece == b"01"
        break
    assert await body.whole() == await HashedBody(request_of(b"0123"), limits).whole()


async def test_what_is_read_as_a_whole_is_known_before(limits):
    for kind, path in ((OCTETS, "/elsewhere"), ("application/json", UPLOADS)):
        body = HashedBody(request_of(b"{", b"}", content_type=kind, path=path), limits)
        assert await body.known() == await body.whole()
        assert await body.request.body() == b"{}"


async def test_who_went_away_has_no_fingerprint(limits):
    with pytest.raises(ClientDisconnect):
        await HashedBody(request_of(b"01", end=False), limits).whole()


async def test_no_more_is_read_than_may_be_uploaded(limits):
    pieces = [bytes(limits.max_upload_bytes + FORM_ROOM_BYTES), b"x"]
    with pytest.raises(Rejected) as refused:
        await HashedBody(request_of(*pieces), limits).whole()
    assert refused.value.code == "too_large"


async def test_nobody_is_waited_for_without_end(limits):
    request = request_of()

    async def silent():
        await asyncio.Event().wait()

    slow = Request(request.scope, silent)
    with pytest.raises(Rejected) as refused:
        await HashedBody(slow, limits).whole()
    assert refused.value.code == "too_slow"
