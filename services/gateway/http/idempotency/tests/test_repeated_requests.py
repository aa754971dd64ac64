"""The same request sent several times: on a whole gateway, and on two of them."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from libs.common.contracts.documents import DocumentSubmitted
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.sharing import ShareGranted
from libs.common.settings import CommonSettings
from services.gateway.accounts.current_caller import CallerRoute
from services.gateway.features import FEATURES
from services.gateway.http.idempotency.repeated_requests import HEADER, refuses_key
from services.gateway.http.idempotency.tables import idempotency_keys
from services.gateway.settings import Settings
from services.gateway.tests.world import VOICES, World, a_world, another_app, assembled

pytestmark = pytest.mark.slow

REPLAYED = "idempotency-replayed"
TEXT = {"text": "# A story\n\nIt was night."}
REFUSING = {
    "/api/v1/tokens",
    "/api/v1/account/deletion",
    "/api/v1/account/addresses",
    "/api/v1/account/addresses/{address_id}/primary",
    "/api/v1/logout",
    "/api/v1/account/identities",
    "/api/v1/audios/{audio_id}/playback-link",
    "/api/v1/documents/{document_id}/links",
}
"""Their answer holds a secret, their body a password of which no digest is kept, or they are the
end of whoever would repeat them."""


@dataclass
class TwoGateways:
    world: World
    clients: list[httpx.AsyncClient]

    def each(self, count):
        return [self.clients[at % 2] for at in range(count)]


@pytest.fixture(params=["sqlite", "postgresql"])
def url_of_both(request):
    """The URL of an empty PostgreSQL database, or None for a SQLite one."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def gateways(url_of_both, tmp_path):
    """Two applications on one database, each with a kernel of its own."""
    async with (
        a_world(tmp_path, url_of_both, max_requests_per_owner=100) as world,
        another_on_the_database_of(world, tmp_path) as other,
        world.client() as one,
        other.client() as two,
    ):
        await world.take(VOICES)
        yield TwoGateways(world, [one, two])


@asynccontextmanager
async def another_on_the_database_of(world, folder):
    common = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092", storage_url=f"file://{folder}/objects"
    )
    limits: dict[str, Any] = {"max_requests_per_owner": 100, "rate_limits": False}
    limits["max_unparsed_documents_per_owner"] = 1000
    url = world.database.url.render_as_string(hide_password=False)
    assembly = assembled(common, Settings(database_url=url, **limits))
    yield World(assembly, world.owner, world.token)
    await assembly.parts.database.close()


def keyed(key="a key"):
    return {HEADER: key}


def form(boundary="x", content="Once upon a time."):
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n{content}\r\n--{boundary}--\r\n"
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return {"content": body, "headers": keyed() | kind}


async def kept(world):
    async with world.database.reading() as connection:
        return (await connection.execute(select(idempotency_keys))).all()


def octets(content=b"Once upon a time."):
    kind = {"Content-Type": "application/octet-stream"}
    return {"content": content, "headers": keyed() | kind}


@pytest.mark.parametrize(
    "sent",
    [{"json": TEXT, "headers": keyed()}, form(), octets()],
    ids=["json", "form", "octets"],
)
async def test_twenty_at_once_make_one_document(gateways, sent):
    answers = await asyncio.gather(
        *(client.post("/documents", **sent) for client in gateways.each(20))
    )
    assert {answer.status_code for answer in answers} == {202}, answers[0].text
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert len(await gateways.world.appended(DocumentSubmitted)) == 1
    [row] = await kept(gateways.world)
    assert row.document_id == answers[0].json()["document_id"]


async def test_narrations_and_shares_are_made_once(gateways):
    document = await gateways.world.hand_in()
    for path, body, event in (
        ("shares", {"address": "ada@example.org"}, ShareGranted),
        ("narrations", {"pages": "1"}, NarrationRequested),
    ):
        answers = await asyncio.gather(
            *(
                client.post(f"/documents/{document}/{path}", json=body, headers=keyed(path))
                for client in gateways.each(8)
            )
        )
        assert {answer.status_code for answer in answers} <= {201, 202}, answers[0].text
        assert len({answer.text for answer in answers}) == 1
        assert sum(REPLAYED not in answer.headers for answer in answers) == 1
        assert len(await gateways.world.appended(event)) == 1


async def test_the_same_key_with_something_else_is_refused(world, client):
    assert (await client.post("/documents", json=TEXT, headers=keyed())).status_code == 202
    document = await world.hand_in()
    for path, sent in (
        ("/documents", {"json": {"text": "Another."}, "headers": keyed()}),
        ("/documents?title=x", {"json": TEXT, "headers": keyed()}),
        ("/documents", form()),
        (f"/documents/{document}/narrations", {"json": {}, "headers": keyed()}),
    ):
        answer = await client.post(path, **sent)
        assert answer.status_code == 422, answer.text
        expected = "unknown_parameter" if "?" in path else "idempotency_key_reused"
        assert answer.json()["code"] in {expected, "idempotency_key_reused"}
    again = await client.post("/documents", json=TEXT, headers=keyed('"a key"'))
    assert (again.status_code, again.headers[REPLAYED]) == (202, "true")
    assert (await client.post("/documents", json=TEXT, headers=keyed("b"))).status_code == 202


@pytest.mark.parametrize(
    ("first", "second"), [(form(), form(content="Else.")), (octets(), octets(b"Else."))]
)
async def test_files_are_told_apart_by_what_is_in_them(world, client, first, second):
    assert (await client.post("/documents", **first)).status_code == 202
    refused = await client.post("/documents", **second)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await world.appended(DocumentSubmitted)) == 1


async def test_a_form_is_the_same_with_another_boundary(world, client):
    answers = [await client.post("/documents", **form(boundary)) for boundary in ("x", "other")]
    assert answers[0].json() == answers[1].json()
    assert len(await world.appended(DocumentSubmitted)) == 1


async def test_keys_of_others_are_others(world, client):
    _, token = await world.tokens.create("other")
    async with world.client(token) as other:
        answers = [
            await one.post("/documents", json=TEXT, headers=keyed()) for one in (client, other)
        ]
    ids = {answer.json()["document_id"] for answer in answers}
    assert len(ids) == 2


async def test_what_was_refused_can_be_tried_again(world, client):
    wrong = await client.post("/documents", json={"url": "http://u:p@x.org"}, headers=keyed())
    assert wrong.status_code == 422
    assert await kept(world) == []
    assert (await client.post("/documents", json=TEXT, headers=keyed())).status_code == 202


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "k\ty", "schlüssel".encode()])
async def test_what_is_no_key_is_refused(client, key):
    answer = await client.post("/documents", json=TEXT, headers={HEADER: key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


async def test_a_repetition_costs_nothing(tmp_path):
    limits: dict[str, Any] = {"rate_limits": True, "rate_limit_upload": "1/hour"}
    async with a_world(tmp_path, **limits) as world, world.client() as client:
        answers = [await client.post("/documents", json=TEXT, headers=keyed()) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {202}
        other = await client.post("/documents", json=TEXT, headers=keyed("other"))
        assert other.status_code == 429
        assert len(await kept(world)) == 1


async def test_secrets_are_not_kept(world, client):
    refused = await client.post("/tokens", json={"name": "x", "scopes": ["read"]}, headers=keyed())
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_unsupported")
    made = await client.post("/tokens", json={"name": "x", "scopes": ["read"]})
    assert made.status_code == 201
    assert await kept(world) == []


async def test_the_answer_goes_with_the_document(world, client):
    made = await client.post("/documents", json=TEXT, headers=keyed())
    await world.documents.delete(world.owner, made.json()["document_id"])
    [row] = await kept(world)
    assert (row.status, row.headers, row.body) == (None, None, None)
    again = await client.post("/documents", json=TEXT, headers=keyed())
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_answer_lost")


def test_every_post_for_callers_takes_a_key_or_says_that_it_does_not():
    routers = [router for feature in FEATURES for router in feature.api]
    routes = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    posts = [
        one for one in routes if "POST" in (one.methods or ()) and isinstance(one, CallerRoute)
    ]
    assert {one.path for one in posts if refuses_key(one.openapi_extra)} == REFUSING


def test_the_documentation_names_those_that_take_none():
    told = (Path(__file__).parents[5] / "docs/api.md").read_text("utf-8")
    assert [path for path in REFUSING if f"`{path.removeprefix('/api/v1')}`" not in told] == []


def test_no_digest_of_a_password_is_kept():
    routes = [one for feature in FEATURES for router in feature.api for one in router.routes]
    for route in routes:
        if isinstance(route, CallerRoute) and "POST" in (route.methods or ()) and route.body_field:
            fields = getattr(route.body_field.field_info.annotation, "model_fields", {})
            assert "password" not in fields or refuses_key(route.openapi_extra), route.path


async def test_the_description_says_which_take_a_key(client):
    described = (await client.get("/openapi.json")).json()["paths"]
    for path, item in described.items():
        for method, operation in item.items():
            names = {one["name"] for one in operation.get("parameters", ())}
            open_to_all = operation["x-capability"] == "none"
            expected = method == "post" and not open_to_all and path not in REFUSING
            assert (HEADER in names) == expected, (method, path)
            if expected:
                assert {"409", "422"} <= operation["responses"].keys()
                done = [code for code in operation["responses"] if code[0] == "2"]
                for code in done:
                    assert "Idempotency-Replayed" in operation["responses"][code]["headers"]


async def test_without_a_key_nothing_is_looked_up(world):
    app = another_app(world)
    async with world.client(app=app) as client:
        ids = {(await client.post("/documents", json=TEXT)).json()["document_id"] for _ in "12"}
    assert len(ids) == 2
    assert await kept(world) == []
