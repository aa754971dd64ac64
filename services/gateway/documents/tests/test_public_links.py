"""Public links by the API: who makes them, and what they open."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.permissions import Capability, Role, allows
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.documents.tests.test_shares import share, somebody
from services.gateway.narrations.options import NarrationOptions
from services.gateway.sharing.listen_links.decide import MOST_LINKS
from services.gateway.tests.world import VOICES, a_world
from services.gateway.watching import routes
from services.gateway.watching.stream import StreamPace
from services.gateway.watching.tests.test_routes import streaming

LINKS = "/documents/{}/links"


async def make(client, document, **wanted):
    answer = await client.post(LINKS.format(document), json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def spoken(world):
    """A document of one page that can be heard, and the audio of it."""
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    await world.speak_everything()
    [asked] = await world.decided(AudioRequested)
    return document, asked.audio_id


async def test_a_link_is_made_listed_and_revoked_by_the_owner(world, client):
    document = await world.hand_in()
    before = datetime.now(UTC)
    assert (await client.get(LINKS.format(document))).json() == {"items": [], "next": None}
    made = await make(client, document, label=" For the  club ")
    assert made.pop("secret").startswith("lk_")
    assert (made["label"], made["expired"]) == ("For the club", False)
    lasts = datetime.fromisoformat(made["expires_at"]) - before
    assert timedelta(days=30) <= lasts < timedelta(days=30, minutes=1)
    path = f"{LINKS.format(document)}/{made['link_id']}"
    assert (await client.get(path)).json() == made
    assert (await client.get(LINKS.format(document))).json()["items"] == [made]
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(path)).status_code == 404
    assert (await client.get(LINKS.format(document))).json()["items"] == []


async def test_the_secret_is_not_kept_for_who_asks_again(world, client):
    document = await world.hand_in()
    key = {"Idempotency-Key": "00000000-0000-4000-8000-000000000001"}
    answer = await client.post(LINKS.format(document), json={}, headers=key)
    assert answer.status_code == 422, answer.text
    assert (await client.get(LINKS.format(document))).json()["items"] == []


async def test_there_is_no_link_until_somebody_makes_one(world, client):
    document = await world.hand_in()
    client.headers.pop("Authorization")
    assert (await client.get(f"/documents/{document}")).status_code == 401
    for guess in ("lk_", "lk_" + "A" * 43, str(document)):
        answer = await client.get("/listen", headers={"Authorization": f"Bearer {guess}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_only_the_owner_makes_links(world, client):
    document = await world.hand_in()
    _, token = await somebody(world, "bea@example.org")
    async with world.client(token) as bea:
        assert (await bea.post(LINKS.format(document), json={})).status_code == 404
        await share(client, document, "bea@example.org", "can_share")
        assert (await bea.post(LINKS.format(document), json={})).status_code == 403
        assert (await bea.get(LINKS.format(document))).status_code == 403
        made = await make(client, document)
        path = f"{LINKS.format(document)}/{made['link_id']}"
        assert (await bea.delete(path)).status_code == 403
        assert (await bea.get("/listen")).status_code == 404


async def test_who_has_a_link_reads_and_listens_and_no_more(world, client):
    document, audio = await spoken(world)
    other, other_audio = await world.hand_in(), uuid4()
    secret = (await make(client, document))["secret"]
    opened = (
        "/listen",
        f"/documents/{document}",
        f"/documents/{document}/pages",
        f"/documents/{document}/pages/1",
        f"/documents/{document}/narrations",
        f"/audios/{audio}",
        f"/audios/{audio}/stream",
        f"/audios/{audio}/timings",
        f"/audios/{audio}/captions",
    )
    async with world.client(secret) as holder:
        for path in opened:
            answer = await holder.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert "public" not in answer.headers["cache-control"]
        assert (await holder.get("/listen")).json()["document_id"] == str(document)
        part = await holder.get(f"/audios/{audio}/stream", headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        for method, path in (
            ("get", f"/audios/{audio}/download"),
            ("delete", f"/documents/{document}"),
            ("put", f"/documents/{document}/pages/1"),
            ("post", f"/documents/{document}/narrations"),
            ("get", f"/documents/{document}/shares"),
            ("get", LINKS.format(document)),
            ("post", LINKS.format(document)),
            ("delete", f"/shared/{document}"),
            ("get", "/documents"),
            ("get", "/shared"),
            ("get", "/voices"),
            ("get", "/tokens"),
            ("post", "/tokens"),
        ):
            answer = await holder.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        there = await holder.get(
            f"/documents/{other}", headers={"X-Request-Id": "the-same-for-all"}
        )
        missing = await holder.get(
            f"/documents/{uuid4()}", headers={"X-Request-Id": "the-same-for-all"}
        )
        assert there.status_code == missing.status_code == 404
        assert there.content == missing.content
        assert (await holder.get(f"/audios/{other_audio}/stream")).status_code == 404


async def test_the_table_says_what_a_link_is_good_for(world, client):
    """Every route refuses what the table does not give to who has a link."""
    document = await world.hand_in()
    secret = (await make(client, document))["secret"]
    declared = (await client.get("/openapi.json")).json()["paths"]
    walked = {True: 0, False: 0}
    async with world.client(secret) as holder:
        for path, operations in declared.items():
            for method, operation in operations.items():
                capability = operation["x-capability"]
                if capability == "none" or path.endswith("/events"):
                    continue
                granted = allows(Role.LINK_HOLDER, Capability(capability))
                url = path.removeprefix("/api/v1").replace("{document_id}", str(document))
                filled = url.replace("{page}", "1").replace("{", "").replace("}", "")
                for name in ("audio_id", "audiobook_id", "narration_id"):
                    filled = filled.replace(name, str(uuid4()))
                answer = await holder.request(method, filled)
                assert (answer.status_code != 403) is granted, (method, path, answer.text)
                walked[granted] += 1
    assert walked[True] > 8
    assert walked[False] > 20


async def test_a_revoked_link_ends_with_the_next_request_and_range(world, client):
    document, audio = await spoken(world)
    made = await make(client, document)
    kept = (await make(client, document))["secret"]
    async with world.client(made["secret"]) as holder, world.client(kept) as another:
        some = {"Range": "bytes=0-3"}
        assert (await holder.get(f"/audios/{audio}/stream", headers=some)).status_code == 206
        assert (await client.delete(f"{LINKS.format(document)}/{made['link_id']}")).is_success
        for path in (f"/audios/{audio}/stream", f"/documents/{document}", "/listen"):
            answer = await holder.get(path, headers=some)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert "invalid_token" in answer.headers["www-authenticate"]
        assert (await another.get(f"/audios/{audio}/stream", headers=some)).status_code == 206


async def test_an_expired_link_opens_nothing(world, client):
    document = await world.hand_in()
    soon = (datetime.now(UTC) + timedelta(seconds=0.4)).isoformat()
    made = await make(client, document, expires_at=soon)
    async with world.client(made["secret"]) as holder:
        assert (await holder.get("/listen")).status_code == 200
        await asyncio.sleep(0.45)
        assert (await holder.get("/listen")).status_code == 401
    [listed] = (await client.get(LINKS.format(document))).json()["items"]
    assert listed["expired"]
    await make(client, document)
    [left] = (await client.get(LINKS.format(document))).json()["items"]
    assert left["link_id"] != made["link_id"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "in_the_past"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "lasts_too_long"),
        ({"expires_at": "2999-01-01T00:00:00"}, "invalid"),
        ({"label": "x" * 101}, "invalid"),
        ({"level": "can_share"}, "invalid"),
    ],
)
async def test_what_is_no_link_is_refused(world, client, wanted, code):
    document = await world.hand_in()
    answer = await client.post(LINKS.format(document), json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get(LINKS.format(document))).json()["items"] == []


async def test_a_document_has_so_many_links(world, client):
    document = await world.hand_in()
    for _ in range(MOST_LINKS):
        made = await make(client, document)
    answer = await client.post(LINKS.format(document), json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "quota_exceeded")
    await client.delete(f"{LINKS.format(document)}/{made['link_id']}")
    await make(client, document)


@pytest.mark.slow
async def test_of_many_that_are_made_at_once_there_are_not_too_many(tmp_path, postgres_database):
    async with a_world(tmp_path, postgres_database, max_requests_per_owner=100) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        async with world.client() as client:
            answers = await asyncio.gather(
                *(client.post(LINKS.format(document), json={}) for _ in range(MOST_LINKS + 10))
            )
            made = [answer for answer in answers if answer.status_code == 201]
            assert {answer.status_code for answer in answers} <= {201, 409}
            left = (await client.get(LINKS.format(document))).json()["items"]
            assert len(left) == len(made) <= MOST_LINKS
            for answer in made:
                async with world.client(answer.json()["secret"]) as holder:
                    assert (await holder.get("/listen")).status_code == 200


async def test_an_account_that_was_closed_elsewhere_makes_no_link_by_a_token_that_was_known(
    world, client
):
    owner, token = await somebody(world, "bea@example.org")
    document = await world.hand_in(owner=owner)
    async with world.client(token) as bea:
        secret = (await make(bea, document))["secret"]
        await AccountClosing(world.kernel).disable(owner, None)
        assert (await bea.post(LINKS.format(document), json={})).status_code == 401
        async with world.client(secret) as holder:
            assert (await holder.get("/listen")).status_code == 401


@pytest.mark.slow
async def test_a_stream_of_a_revoked_link_ends(world, client, monkeypatch):
    monkeypatch.setattr(routes, "StreamPace", partial(StreamPace, check_s=0.05, pause_s=0.0))
    document = await world.hand_in()
    made = await make(client, document)
    async with streaming(world, f"/documents/{document}/events", made["secret"]) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: snapshot"
        assert (await client.delete(f"{LINKS.format(document)}/{made['link_id']}")).is_success
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("event")] == []


@pytest.mark.slow
async def test_those_who_watch_by_a_link_take_nobody_elses_places(tmp_path):
    async with a_world(tmp_path, max_streams_per_owner=1) as world, world.client() as client:
        document = await world.hand_in()
        secret = (await make(client, document))["secret"]
        async with streaming(world, f"/documents/{document}/events", secret) as first:
            assert first.status_code == 200
            async with streaming(world, f"/documents/{document}/events", secret) as second:
                assert second.status_code == 429
            async with streaming(world, f"/documents/{document}/events") as own:
                assert own.status_code == 200
