import json
import tracemalloc
from uuid import UUID

import pytest

from libs.common.contracts.details import SubmittedDocument
from libs.common.contracts.documents import DocumentSubmitted
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import ranges_as_text
from libs.common.storage.details import read_details
from services.gateway.tests.world import VOICES, a_world

MEGABYTE = 1 << 20


async def the_source(world):
    (submitted,) = await world.decided(DocumentSubmitted)
    details = await read_details(world.storage, submitted.details, SubmittedDocument)
    assert details.object is not None
    return submitted, details, await world.storage.read(details.object.key)


async def kept(world):
    return [key async for key in world.storage.keys("documents/")]


def form(*fields):
    """Parts as (name, filename or None, content), in their order."""
    parts = []
    for name, filename, content in fields:
        extra = "" if filename is None else f'; filename="{filename}"'
        head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return {
        "content": b"".join(parts) + b"--frontier--\r\n",
        "headers": {"Content-Type": "multipart/form-data; boundary=frontier"},
    }


def octets(**query):
    headers = {"Content-Type": "application/octet-stream"}
    return {"params": query, "content": b"x", "headers": headers}


FILE = ("file", r"C:\\books\\book.txt", b"some text")
TITLE = ("title", None, "Der Prozeß".encode())
ORDER = ("narrate", None, json.dumps({"pages": "1-2,4", "rate": 1.25}).encode())


@pytest.mark.slow
@pytest.mark.parametrize("fields", [(FILE, TITLE, ORDER), (ORDER, TITLE, FILE)])
async def test_a_form_in_any_order(world, client, fields):
    answer = await client.post("/documents", **form(*fields))
    assert answer.status_code == 202, answer.text
    submitted, details, content = await the_source(world)
    assert content == b"some text"
    assert (details.title, details.filename) == ("Der Prozeß", "book.txt")
    assert "Prozeß".encode() not in submitted.encode()
    (asked,) = await world.decided(NarrationRequested)
    assert (ranges_as_text(asked.pages), asked.rate) == ("1-2,4", 1.25)
    assert answer.json()["narration_id"] == str(asked.narration_id)


@pytest.mark.slow
async def test_the_bytes_themselves(world, client):
    answer = await client.post(
        "/documents",
        params={"filename": "dir/book.epub", "title": "T", "narrate": "{}"},
        content=b"PK...",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 202, answer.text
    submitted, details, content = await the_source(world)
    assert (content, details.filename) == (b"PK...", "book.epub")
    assert submitted.source_kind == "file"
    assert UUID(answer.json()["narration_id"])


async def test_a_text(world, client):
    answer = await client.post("/documents", json={"text": "Hällo", "title": "T"})
    assert answer.status_code == 202
    assert answer.json()["narration_id"] is None
    submitted, _, content = await the_source(world)
    assert (content.decode(), submitted.source_kind) == ("Hällo", "text")


async def test_a_web_address(world, client):
    answer = await client.post("/documents", json={"url": "https://example.org/@a?b=c@d"})
    assert answer.status_code == 202
    (submitted,) = await world.decided(DocumentSubmitted)
    details = await read_details(world.storage, submitted.details, SubmittedDocument)
    assert (submitted.source_kind, details.url) == ("url", "https://example.org/@a?b=c@d")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"json": {}}, 422, "invalid"),
        ({"json": {"url": "https://x.org", "text": "x"}}, 422, "invalid"),
        ({"json": {"url": "file:///etc/passwd"}}, 422, "invalid"),
        ({"json": {"url": "https://me:secret@x.org/a"}}, 422, "bad_url"),
        ({"json": {"url": "https://me@x.org/a"}}, 422, "bad_url"),
        ({"json": {"text": "x", "narrate": {"rate": 9}}}, 422, "invalid"),
        ({"json": {"text": "x", "narrate": {"engine": "none"}}}, 422, "unknown_engine"),
        ({"json": {"text": "x", "nonsense": 1}}, 422, "invalid"),
        ({"json": {"text": ""}}, 422, "empty"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_json"),
        ({"content": b"x", "headers": {"Content-Type": "text/csv"}}, 415, "unsupported_media_type"),
        ({"content": b"x"}, 415, "unsupported_media_type"),
        (form(TITLE), 400, "no_file"),
        (form(FILE, FILE), 400, "two_files"),
        (form(FILE, ("narrate", None, b"{")), 400, "bad_json"),
        (form(FILE, ("narrate", None, b'{"voice": "nobody"}')), 422, "unknown_voice"),
        (form(FILE, ("narrate", None, b"[" + b"[]," * 20_000 + b"[]]")), 422, "too_complex"),
        (form(FILE, ("narrate", None, b'{"pages": [' + b"1," * 1000 + b"1]}")), 422, "too_complex"),
        (octets(narrate="[" * 1000), 422, "too_complex"),
        (form(("file", "a", b"")), 422, "empty"),
        (form(("file", "a.pdf", b"\x89PNG\r\n")), 422, "unsupported"),
        (
            {"content": b"Rar!", "headers": {"Content-Type": "application/octet-stream"}},
            422,
            "unsupported",
        ),
    ],
)
async def test_what_is_wrong_is_refused_and_leaves_nothing(world, client, sent, status, code):
    answer = await client.post("/documents", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await world.decided(DocumentSubmitted) == []
    assert await kept(world) == []


async def test_an_order_that_nobody_can_take_yet_leaves_nothing(tmp_path):
    async with a_world(tmp_path) as world, world.client() as client:
        answer = await client.post("/documents", **form(FILE, ORDER))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        await world.work()
        assert await kept(world) == []


async def streamed(size, head=b"", tail=b""):
    yield head
    block = bytes(64 * 1024)
    for _ in range(size // len(block)):
        yield block
    yield tail


@pytest.mark.slow
async def test_a_large_file_stays_out_of_memory(world, client):
    sent = form(("file", "big.pdf", b"!"))
    head, _, tail = sent["content"].partition(b"!")
    tracemalloc.start()
    try:
        answer = await client.post(
            "/documents",
            content=streamed(50 * MEGABYTE, head, tail),
            headers=sent["headers"],
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 202, answer.text
    (submitted,) = await world.decided(DocumentSubmitted)
    details = await read_details(world.storage, submitted.details, SubmittedDocument)
    assert details.object is not None
    assert details.object.size == 50 * MEGABYTE
    assert peak < 12 * MEGABYTE


@pytest.mark.slow
@pytest.mark.parametrize("says_so", [True, False])
@pytest.mark.parametrize("as_form", [True, False])
async def test_too_large_a_file(tmp_path, says_so, as_form):
    async with a_world(tmp_path, max_upload_bytes=MEGABYTE) as world, world.client() as client:
        await world.take(VOICES)
        sent = form(("file", "big", b"!"))
        head, _, tail = sent["content"].partition(b"!") if as_form else (b"", b"", b"")
        kind = sent["headers"]["Content-Type"] if as_form else "application/octet-stream"
        headers = {"Content-Type": kind}
        if says_so:
            headers["Content-Length"] = str(2 * MEGABYTE + len(head) + len(tail))
        answer = await client.post(
            "/documents", content=streamed(2 * MEGABYTE, head, tail), headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert await kept(world) == []


async def test_nothing_is_read_from_a_stranger(world):
    taken = 0

    async def body():
        nonlocal taken
        for _ in range(10):
            taken += 1
            yield bytes(1000)

    async with world.client(token="lectern_wrong") as client:
        headers = {"Content-Type": "application/octet-stream"}
        answer = await client.post("/documents", content=body(), headers=headers)
    assert answer.status_code == 401
    assert taken == 0


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (form(FILE, ("narration", None, b"{}")), 400, "bad_form"),
        (form(FILE, ("Narrate", None, b"{}")), 400, "bad_form"),
        (form(FILE, ORDER, ORDER), 400, "bad_form"),
        (form(FILE, ("narrate", None, b"")), 400, "bad_json"),
        (octets(narrate=""), 400, "bad_json"),
        (form(FILE) | {"params": {"narrate": "{}"}}, 422, "unknown_parameter"),
        ({"json": {"text": "Hello."}, "params": {"narrate": "{}"}}, 422, "unknown_parameter"),
        ({"json": {"text": "Hello."}, "params": {"title": "A"}}, 422, "unknown_parameter"),
    ],
)
async def test_no_order_is_left_out_without_a_word(world, client, sent, status, code):
    """Each of them was once answered with 202 and no narration."""
    answer = await client.post("/documents", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not await world.decided(DocumentSubmitted)


async def test_who_orders_nothing_gets_no_narration(client):
    answer = await client.post("/documents", **form(FILE))
    assert (answer.status_code, answer.json()["narration_id"]) == (202, None)


async def test_a_title_cannot_turn_round_what_stands_behind_it(client):
    sent = {"text": "Hello.", "title": "annual\u202efdp.exe"}
    answer = await client.post("/documents", json=sent)
    assert answer.json()["title"] == "annualfdp.exe"
