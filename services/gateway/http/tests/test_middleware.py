import asyncio
import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select
from structlog.testing import capture_logs

from libs.common.observability.metrics_page import MeasuredRequests
from libs.common.observability.telemetry import Telemetry
from libs.common.store.tables import events
from services.gateway.http import middleware

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans():
    """Spans that end while the test runs."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Telemetry("gateway", provider, provider.get_tracer("lectern")).bind()
    yield exporter
    provider.shutdown()


@pytest.mark.slow
async def test_every_answer_is_safe(world, client):
    document = await world.hand_in()
    for path in ("/documents", f"/documents/{document}", "/nothing", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "microphone=()" in headers["permissions-policy"]


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_trace_begins_here_and_names_that_of_the_client(world, client, spans, flags):
    traceparent = f"00-{TRACE}-b7ad6b7169203331-{flags}"
    answer = await client.post(
        "/documents", json={"text": "x"}, headers={"traceparent": traceparent}
    )
    assert answer.status_code == 202
    (span,) = spans.get_finished_spans()
    assert span.name == "POST /api/v1/documents"
    assert span.attributes["http.response.status_code"] == 202
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]
    async with world.database.reading() as connection:
        stored = (await connection.scalars(select(events.c.traceparent))).all()
    assert {one.split("-")[1] for one in stored} == {f"{span.context.trace_id:032x}"} != {TRACE}


@pytest.mark.parametrize("traceparent", [None, "nonsense"])
async def test_a_trace_begins_here(world, client, spans, traceparent):
    headers = {"traceparent": traceparent} if traceparent else {}
    await client.post("/documents", json={"text": "x"}, headers=headers)
    async with world.database.reading() as connection:
        (stored,) = (await connection.scalars(select(events.c.traceparent))).all()
    assert int(stored.split("-")[1], 16)


async def test_a_bug_shows_nothing_but_where_to_look(world, client, spans):
    world.app.routes[0].app.state.kernel = "what nobody foresaw"
    with capture_logs() as logged:
        answer = await client.get("/documents")
    assert [entry["event"] for entry in logged] == ["request failed unexpectedly"]
    assert logged[0]["exc_info"]
    assert answer.status_code == 500
    body = answer.json()
    assert body["code"] == "internal"
    (span,) = spans.get_finished_spans()
    assert body["trace_id"] == f"{span.context.trace_id:032x}"
    assert "foresaw" not in answer.text
    assert "AttributeError" not in answer.text
    assert not span.status.is_ok
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("says_so", [True, False])
async def test_json_has_a_limit(world, client, says_so):
    taken = 0

    async def body():
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 100_000

    headers = {"Content-Type": "application/json"}
    if says_so:
        headers["Content-Length"] = "10000000"
    answer = await client.post("/documents", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert taken < 50


JSON = {"Content-Type": "application/json"}
HOSTILE = {
    "members": b"{" + b",".join(b'"%d":{}' % number for number in range(95_000)) + b"}",
    "lists": b"[" + b"[]," * 333_000 + b"[]]",
    "numbers": b'{"pages":[' + b"1," * 500_000 + b"1]}",
    "levels": b'{"pages":' * 300 + b"1" + b"}" * 300,
    "behind a text": rb'{"text":"\\\"","pages":[' + b"1," * 500_000 + b"1]}",
    "texts": b'{"pages":[' + b'"",' * 330_000 + b'""]}',
}
"""JSON of up to 1 MB in many values. Parsing them took 0.3 s, refusing each by itself longer."""


def in_utf_16(body):
    return body.decode().encode("utf-16-le")


async def refused(client, method, path, **sent):
    answer = await client.request(method, path, **sent)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000, path
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_json_of_many_values_is_refused_as_a_whole(world, client, body, signed_in):
    """And before it is parsed, with or without a token: what holds the loop fails this."""
    document = await world.hand_in()
    if not signed_in:
        del client.headers["Authorization"]
    await client.get("/documents")  # the first request is not watched
    sent = {"content": body, "headers": JSON}
    expected = (422, "too_complex") if signed_in else (401, "unauthorized")
    below = f"/documents/{document}"
    for method, path in (
        ("POST", f"{below}/narrations"),
        ("POST", f"{below}/audiobook"),
        ("PUT", f"{below}/pages/1"),
        ("POST", "/documents"),
    ):
        assert await refused(client, method, path, **sent) == expected, path


async def test_it_is_counted_as_a_whole_when_it_comes_in_parts(world, client):
    document = await world.hand_in()

    async def parts():
        for _ in range(600):
            yield b"[],["
            yield b"],"

    found = await refused(
        client, "POST", f"/documents/{document}/narrations", content=parts(), headers=JSON
    )
    assert found == (422, "too_complex")


async def test_json_is_utf_8(world, client):
    """In another encoding nobody would see how much it holds."""
    document = await world.hand_in()
    for body in (b"{}", HOSTILE["lists"][:500_000]):
        sent = {"content": in_utf_16(body), "headers": JSON}
        found = await refused(client, "POST", f"/documents/{document}/narrations", **sent)
        assert found == (400, "bad_encoding")


@pytest.mark.parametrize("text", ['",[{' * 180_000, '"' * 500_000, "\\" * 500_000, "[" * 900_000])
async def test_a_long_text_may_hold_anything(client, text):
    await client.get("/documents")  # the first request is not watched
    body = json.dumps({"text": text})
    answer = await client.post("/documents", content=body, headers=JSON)
    assert answer.status_code == 202, answer.text


async def test_only_uploads_are_streamed(world, client):
    document = await world.hand_in()
    answer = await client.put(
        f"/documents/{document}/pages/1",
        content=json.dumps({"text": "x" * 5_000_000}),
        headers={"Content-Type": "multipart/form-data; boundary=x", "If-Match": '"0"'},
    )
    assert answer.status_code == 413


async def test_requests_are_counted_by_route(world):
    metrics = world.assembly.parts.metrics
    measured = MeasuredRequests(world.app, metrics)
    document = await world.hand_in()
    async with world.client(app=measured) as client:
        await client.get(f"/documents/{document}")
    labels = {
        "route": "/api/v1/documents/{document_id}",
        "method": "GET",
        "status": "200",
        "service": "gateway",
    }
    assert metrics.registry.get_sample_value("http_requests_total", labels) == 1


async def test_a_body_that_is_read_as_a_whole_has_to_come_in_time(monkeypatch, client):
    monkeypatch.setattr(middleware, "WHOLE_BODY_S", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(30)
        yield b"}"

    headers = {"Content-Type": "application/json"}
    async with asyncio.timeout(10):
        answer = await client.post("/documents", content=slow(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
