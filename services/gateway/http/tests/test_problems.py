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
from services.gateway.http.problems import Refused, add_handlers
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


async def test_what_was_sent_is_not_repeated(client):
    answer = await client.post("/documents", json={"url": "https://u:secret@[bad"})
    assert answer.status_code == 422
    assert "secret" not in answer.text
