import json

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from structlog.testing import capture_logs

from libs.common.errors import (
    Conflict,
    ObjectNotFound,
    Permanent,
    Rejected,
    Throttled,
    Unavailable,
    UnknownVersion,
)
from services.gateway.http.middleware import TracedRequests
from services.gateway.http.problems import MOST_ERRORS, Refused, add_handlers
from services.gateway.kernel.errors import Forbidden, NotFound, NotReady, QuotaExceeded, Stale


async def answer_to(error):
    app = FastAPI()
    add_handlers(app)
    app.add_middleware(TracedRequests)

    @app.get("/")
    async def fail():
        raise error

    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        return await client.get("/")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("page"), 404, "not_found"),
        (Forbidden("No."), 403, "forbidden"),
        (NotReady("Wait."), 409, "not_ready"),
        (Stale("Old."), 412, "stale"),
        (QuotaExceeded("Enough."), 409, "quota_exceeded"),
        (Rejected("odd", "It is odd."), 422, "odd"),
        (Rejected("too_large", "It is large."), 413, "too_large"),
        (Refused(418, "teapot", "No."), 418, "teapot"),
        (Conflict("document/secret"), 409, "conflict"),
        (ObjectNotFound("documents/secret/source"), 404, "not_found"),
        (Unavailable("secret address"), 503, "unavailable"),
        (UnknownVersion("PageText", 2, 1), 503, "unavailable"),
        (Throttled("secret address", 6.2), 429, "throttled"),
        (Permanent("secret bucket"), 500, "internal"),
        (ValueError("secret"), 500, "internal"),
    ],
)
async def test_every_error_is_a_problem(error, status, code):
    with capture_logs():
        answer = await answer_to(error)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert {"type", "title", "detail"} <= body.keys()
    assert "secret" not in answer.text
    if status in {429, 503}:
        assert answer.headers["retry-after"] == {429: "7", 503: "5"}[status]


async def test_routes_that_are_not_there(client):
    missing = await client.get("/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await client.patch("/documents")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["content-type"] == "application/problem+json"


async def test_ids_that_are_none(client):
    for path in ("/documents/x", "/audios/1", "/narrations/%00", "/audiobooks/..%2f"):
        assert (await client.get(path)).status_code == 404


NO_TEXT = ["\\ud800", "2020-01-01\\ud80000:00:00", "\\u0000", "x\\u0000"]
"""Inside of a JSON string; no database and no object store takes it."""
NO_UTF8 = ["%00", "%ED%A0%80", "%FF"]
ORDERS = ['{"engine": "@"}', '{"voice": "@"}', '{"pages": "@"}', '{"format": "@"}', '{"@": 1}']
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("no_text", NO_TEXT)
async def test_an_order_of_what_is_no_text_is_refused(world, client, no_text):
    document = await world.hand_in()
    for order in (order.replace("@", no_text) for order in ORDERS):
        for action in ("narrations", "audiobook"):
            url = f"/documents/{document}/{action}"
            answer = await client.post(url, content=order, headers=JSON)
            assert 400 <= answer.status_code < 500, (order, answer.text)
        submitted = f'{{"text": "x", "narrate": {order}}}'
        answer = await client.post("/documents", content=submitted, headers=JSON)
        assert 400 <= answer.status_code < 500, (order, answer.text)
        form = {"files": {"file": ("a", b"x")}, "data": {"narrate": order}}
        answer = await client.post("/documents", **form)
        assert 400 <= answer.status_code < 500, (order, answer.text)


@pytest.mark.parametrize("no_utf8", NO_UTF8)
async def test_what_is_no_text_in_an_address_is_no_fault_of_ours(world, client, no_utf8):
    document = await world.hand_in()
    for path in (
        f"/documents?cursor={no_utf8}",
        f"/documents?limit={no_utf8}",
        f"/documents/{no_utf8}",
        f"/documents/{document}/pages/{no_utf8}",
        f"/documents/{document}/narrations?cursor={no_utf8}",
        f"/audios/{document}/stream?format={no_utf8}",
    ):
        answer = await client.get(path)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    for name in ("engine", "language"):
        answer = await client.get(f"/voices?{name}={no_utf8}")
        assert answer.status_code == 422 or answer.json()["items"] == []


@pytest.mark.parametrize("no_text", NO_TEXT)
async def test_names_and_texts_are_cleaned_or_refused(world, client, no_text):
    document = await world.hand_in()
    await world.read(document, 1)
    for member in ("text", "title", "url"):
        submitted = {"text": "x"} if member == "title" else {}
        submitted[member] = "https://example.org/@" if member == "url" else "@"
        content = json.dumps(submitted).replace("@", no_text)
        answer = await client.post("/documents", content=content, headers=JSON)
        assert answer.status_code in {202, 400, 422}, (content, answer.text)
    edit = JSON | {"If-Match": '"0"'}
    page = f"/documents/{document}/pages/1"
    answer = await client.put(page, content=f'{{"text": "{no_text}"}}', headers=edit)
    assert answer.status_code in {200, 422}, answer.text
    octets = {"Content-Type": "application/octet-stream"}
    for named in ("%00", "%ED%A0%80"):
        answer = await client.post(
            f"/documents?title={named}&filename={named}", content=b"x", headers=octets
        )
        assert answer.status_code == 202, answer.text


async def test_what_was_sent_is_not_repeated(client):
    answer = await client.post("/documents", json={"url": "https://u:secret@[bad"})
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_an_answer_lists_some_errors_and_says_how_many_there_are(world, client):
    document = await world.hand_in()
    wrong = {f"{number}{'x' * 900}": 1 for number in range(300)}
    fewer = {name: wrong[name] for name in list(wrong)[:60]}
    for path, sent in (
        ("/documents", {"json": {"text": "x", "narrate": wrong}}),
        ("/documents", {"files": {"file": b"x"}, "data": {"narrate": json.dumps(fewer)}}),
        (f"/documents/{document}/narrations", {"json": wrong}),
    ):
        answer = await client.post(path, **sent)
        found = answer.json()
        assert (answer.status_code, found["code"]) == (422, "invalid")
        assert len(found["errors"]) == MOST_ERRORS
        assert found["more_errors"] == (60 if "files" in sent else 300) - MOST_ERRORS
        assert f"and {found['more_errors'] + MOST_ERRORS - 3} more" in found["detail"]
        assert len(answer.content) < 10_000


async def test_few_errors_are_all_listed(client):
    found = (await client.post("/documents", json={"text": "x", "nonsense": 1})).json()
    assert found["errors"] == [{"where": "body.nonsense", "message": "There is no such field."}]
    assert found["detail"] == (
        "The request is not as it must be. body.nonsense: There is no such field."
    )
    assert "more" not in found["detail"]
    assert "more_errors" not in found


BROKEN = [b"{", b"", b"{'x': 1}", b"nonsense", b'{"text": "x"} y', b"\xff\xfe"]


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("path", ["/documents", "/documents/{document}/narrations"])
async def test_broken_json_is_a_bad_request(world, client, body, path):
    url = path.format(document=await world.hand_in())
    answer = await client.post(url, content=body, headers=JSON)
    found = answer.json()
    if not body and "narrations" in path:
        assert (answer.status_code, found["errors"][0]["message"]) == (422, "It is missing.")
        return
    assert (answer.status_code, found["code"]) == (400, "bad_json"), answer.text
    assert "JSON" in found["detail"]


@pytest.mark.parametrize("sent", ["form", "query"])
async def test_broken_json_in_a_field_names_the_field(client, sent):
    if sent == "form":
        answer = await client.post("/documents", files={"file": b"x"}, data={"narrate": "{"})
    else:
        octets = {"Content-Type": "application/octet-stream"}
        answer = await client.post("/documents?narrate={", content=b"x", headers=octets)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    assert answer.json()["detail"].startswith("narrate is not JSON")


async def test_another_type_than_json_is_told_which_to_send(world, client):
    url = f"/documents/{await world.hand_in()}/narrations"
    answer = await client.post(url, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


async def test_no_phrase_of_a_library_is_answered(world, client):
    document = await world.hand_in()
    odd = {"pages": 5, "rate": "x", "format": 1, "engine": [], "voice": {}, "zz": 1}
    for answer in (
        await client.post(f"/documents/{document}/narrations", json=odd),
        await client.post("/documents", json={"url": "x"}),
        await client.post("/documents", json={"url": "http://x.org", "text": "x"}),
        await client.post("/documents", json=[1]),
        await client.get("/documents?limit=x"),
        await client.get(f"/documents/{document}/pages?cursor=-1"),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"]
        for phrase in ("Input should", "Value error", "valid dictionary", "Extra inputs"):
            assert phrase not in answer.text


@pytest.mark.parametrize("path", ["/x%0Ay", "/documents/%0A", "/narrations/%0D%0A/failures"])
async def test_a_path_with_a_line_break_is_not_found_as_any_other(client, path):
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
