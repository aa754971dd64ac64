import asyncio
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message

from services.gateway.http.admission import (
    STRANGERS_SHARE,
    Admission,
    AdmittedRequests,
    belongs_to,
    belongs_to_nobody,
)
from services.gateway.http.problems import add_handlers

OWNER, OTHER = uuid4(), uuid4()


class Site:
    """Routes that wait for a gate, or go on answering until then."""

    def __init__(self, **limits) -> None:
        self.admission = Admission(**limits)
        self.gate, self.begun = asyncio.Event(), 0
        app = FastAPI()
        add_handlers(app)
        app.add_middleware(AdmittedRequests, admission=self.admission)

        @app.get("/{owner}/slow")
        async def slow(owner: str, request: Request) -> str:
            belongs_to(request.scope, OWNER if owner == "mine" else OTHER)
            self.begun += 1
            await self.gate.wait()
            return "done"

        @app.get("/open")
        async def open_to_all(request: Request) -> str:
            belongs_to_nobody(request.scope)
            self.begun += 1
            await self.gate.wait()
            return "done"

        @app.get("/broken")
        async def broken() -> None:
            raise ZeroDivisionError

        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://x", headers={"Authorization": "Bearer x"}
        )

    async def begin(self, path, count):
        """Requests that are under way."""
        wanted = self.begun + count
        tasks = [asyncio.create_task(self.client.get(path)) for _ in range(count)]
        while self.begun < wanted:
            await asyncio.sleep(0)
        return tasks


async def test_an_owner_has_so_many_at_a_time_and_others_have_theirs():
    site = Site(per_owner=2, per_process=100)
    mine = await site.begin("/mine/slow", 2)
    refused = await site.client.get("/mine/slow")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    others = await site.begin("/others/slow", 2)
    site.gate.set()
    assert {(await task).status_code for task in mine + others} == {200}
    assert (await site.client.get("/mine/slow")).status_code == 200
    assert (site.admission.answering, dict(site.admission.of_owner)) == (0, {})


async def test_a_process_has_so_many_at_a_time():
    site = Site(per_owner=100, per_process=2)
    mine = await site.begin("/mine/slow", 2)
    refused = await site.client.get("/others/slow")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    site.gate.set()
    assert {(await task).status_code for task in mine} == {200}


async def test_strangers_leave_room_for_owners():
    site = Site(per_owner=100, per_process=2 * STRANGERS_SHARE)
    token = site.client.headers.pop("Authorization")
    strangers = await site.begin("/others/slow", 2)
    assert (await site.client.get("/others/slow")).status_code == 503
    site.client.headers["Authorization"] = token
    mine = await site.begin("/mine/slow", 3)
    site.gate.set()
    assert {(await task).status_code for task in strangers + mine} == {200}
    assert site.admission.strangers == 0


@pytest.mark.parametrize("claimed", [{"Cookie": "x"}, {"Authorization": "Bearer x"}])
async def test_nobody_is_taken_for_an_owner_where_credentials_are_not_looked_at(claimed):
    site = Site(per_owner=100, per_process=2 * STRANGERS_SHARE)
    del site.client.headers["Authorization"]
    site.client.headers.update(claimed)
    strangers = await site.begin("/open", 2)
    refused = await site.client.get("/open")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    mine = await site.begin("/mine/slow", 3)
    site.gate.set()
    assert {(await task).status_code for task in strangers + mine} == {200}
    assert site.admission.strangers == site.admission.answering == 0


async def test_a_bug_makes_room_again():
    site = Site(per_owner=1, per_process=1)
    assert [(await site.client.get("/broken")).status_code for _ in range(2)] == [500, 500]
    assert site.admission.answering == 0


async def test_what_is_only_being_sent_takes_no_part():
    admission, gate = Admission(per_owner=1, per_process=1), asyncio.Event()

    async def endless():
        yield b"x"
        await gate.wait()

    async def nothing():
        await gate.wait()
        return {"type": "http.disconnect"}

    sent: asyncio.Queue[Message] = asyncio.Queue()
    app = AdmittedRequests(StreamingResponse(endless()), admission)
    scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}
    answering = asyncio.create_task(app(scope, nothing, sent.put))
    assert (await sent.get())["type"] == "http.response.start"
    assert admission.answering == 0
    gate.set()
    await answering
