from uuid import UUID

import pytest

from libs.common.contracts.audio import AudiobookRequested
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import ranges_as_text
from services.gateway.kernel.cursors import cursor
from services.gateway.tests.world import a_world


async def test_voices(client):
    (engine,) = (await client.get("/engines")).json()["items"]
    assert (engine["engine"], engine["default"], engine["default_voice"]) == ("espeak", True, "en")
    first = (await client.get("/voices", params={"limit": 1})).json()
    following = {"limit": 1, "cursor": first["next"]}
    second = (await client.get("/voices", params=following)).json()
    assert (second["items"][0]["id"], second["next"]) == ("de", None)
    assert first["items"][0] == {
        "engine": "espeak",
        "id": "en",
        "name": "English",
        "language": "en",
        "gender": "male",
        "default": True,
    }


@pytest.mark.slow
async def test_ordering_some_pages(world, client):
    document = await world.hand_in()
    await world.read(document, 3)
    answer = await client.post(
        f"/documents/{document}/narrations",
        json={"pages": "1,3", "voice": "de", "rate": 1.5, "format": "mp3"},
    )
    assert answer.status_code == 202
    narration = answer.json()
    assert answer.headers["location"] == f"/api/v1/narrations/{narration['narration_id']}"
    assert (narration["state"], narration["pages_total"]) == ("working", 2)
    (asked,) = await world.decided(NarrationRequested)
    assert (ranges_as_text(asked.pages), asked.voice, asked.rate, asked.formats) == (
        "1,3",
        "de",
        1.5,
        ("mp3",),
    )
    await world.speak_everything()
    done = (await client.get(f"/narrations/{narration['narration_id']}")).json()
    assert (done["state"], done["pages_ready"], done["duration_ms"]) == ("ready", 2, 3000)
    again = await client.post(
        f"/documents/{document}/narrations",
        json={"pages": [1, 3], "voice": "de", "rate": 1.5, "format": "mp3"},
    )
    assert (again.status_code, again.json()) == (200, done)
    listed = (await client.get(f"/documents/{document}/narrations")).json()["items"]
    assert listed == [done]


@pytest.mark.slow
async def test_ordering_the_whole_as_one_file(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    narration = (await client.post(f"/documents/{document}/audiobook")).json()
    assert narration["audiobook"]["state"] == "waiting"
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    url = f"/audiobooks/{asked.audiobook_id}"
    assert (await client.get(url)).json()["state"] == "making"
    early = await client.get(f"{url}/download")
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")

    stored = await world.storage.write(f"audio/{document}/books/{asked.audiobook_id}.m4b", b"book")
    await world.bind(asked, object=stored)
    book = (await client.get(url)).json()
    assert (book["state"], book["bytes"], book["duration_ms"]) == ("ready", 4, 1500)
    download = await client.get(f"{url}/download", headers={"Range": "bytes=1-"})
    assert (download.status_code, download.content) == (206, b"ook")
    assert 'filename="A title.m4b"' in download.headers["content-disposition"]
    done = (await client.get(f"/narrations/{narration['narration_id']}")).json()
    assert (done["state"], done["audiobook"]["audiobook_id"]) == ("ready", str(asked.audiobook_id))


@pytest.mark.slow
async def test_an_order_that_cannot_be_taken(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    url = f"/documents/{document}/narrations"
    for body, code in (
        ({"pages": [2]}, "no_such_page"),
        ({"voice": "nobody"}, "unknown_voice"),
        ({"engine": "nothing"}, "unknown_engine"),
        ({"pages": "5-1"}, "invalid"),
        ({"speed": 2}, "invalid"),
        ({"rate": 1.02}, "invalid"),
    ):
        answer = await client.post(url, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_before_any_engine_is_there(tmp_path):
    async with a_world(tmp_path) as world, world.client() as client:
        document = await world.hand_in()
        answer = await client.post(f"/documents/{document}/narrations", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("moment", ["soon", "2020-01-01\ud80000:00:00", "2020-01-01\x0000:00:00"])
async def test_a_cursor_that_is_none(world, client, moment):
    document = await world.hand_in()
    params = {"cursor": cursor(moment, UUID(int=1))}
    answer = await client.get(f"/documents/{document}/narrations", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
