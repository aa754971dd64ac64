from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.audio import AudiobookRequested, AudioProgressed, AudioRequested
from services.gateway.audio import queries
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import of_audio


@pytest.fixture
async def asked(world):
    """One page in two formats, still to be spoken."""
    document = await world.hand_in()
    await world.read(document, 1)
    order = NarrationOptions(format="mp3", audiobook="m4b")
    await world.narrations.narrate(world.owner, document, order)
    (asked,) = await world.decided(AudioRequested)
    return asked


@pytest.mark.slow
async def test_progress(world, client, asked):
    url = f"/audios/{asked.audio_id}"
    assert (await client.get(url)).json()["state"] == "waiting"
    await world.take(AudioProgressed(**of_audio(asked), page=1, done=1, total=2))
    speaking = (await client.get(url)).json()
    assert (speaking["state"], speaking["done"], speaking["total"]) == ("speaking", 1, 2)
    for part in ("stream", "download", "timings", "captions"):
        answer = await client.get(f"{url}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


@pytest.mark.slow
async def test_formats(world, client, asked):
    await world.speak(asked)
    url = f"/audios/{asked.audio_id}/stream"
    types = {
        chosen: (await client.get(url, params={"format": chosen})).headers["content-type"]
        for chosen in ("mp3", "m4a")
    }
    assert types == {"mp3": "audio/mpeg", "m4a": "audio/mp4"}
    missing = await client.get(url, params={"format": "opus"})
    assert (missing.status_code, missing.json()["code"]) == (422, "no_such_format")
    assert (await client.get(url, params={"format": "wav"})).status_code == 422


@pytest.mark.slow
async def test_a_download_has_a_name(world, client, asked):
    await world.speak(asked)
    answer = await client.get(f"/audios/{asked.audio_id}/download")
    assert answer.headers["content-disposition"].startswith(
        'attachment; filename="A title - 001.mp3"'
    )
    head = await client.head(f"/audios/{asked.audio_id}/download")
    assert head.headers["content-disposition"] == answer.headers["content-disposition"]


@pytest.mark.slow
async def test_reading_along(world, client, asked):
    await world.speak(asked)
    timings = await client.get(f"/audios/{asked.audio_id}/timings")
    assert (timings.json(), timings.headers["cache-control"]) == ({"version": 1}, "private")
    captions = await client.get(f"/audios/{asked.audio_id}/captions")
    assert captions.headers["content-type"] == "text/vtt; charset=utf-8"
    assert captions.text.startswith("WEBVTT")


@pytest.mark.slow
async def test_deleting(world, client, asked):
    await world.speak(asked)
    url = f"/audios/{asked.audio_id}"
    assert (await client.delete(url)).status_code == 204
    for answer in (await client.get(url), await client.get(f"{url}/stream")):
        assert answer.status_code == 404
    assert (await client.delete(url)).status_code == 404


async def list_all(client, url, **params):
    """All items of a list, two at a time, and how many answers that took."""
    found: list[dict[str, Any]] = []
    cursor, answers = None, 0
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = await client.get(url, params={"limit": 2, **params, **more})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) <= 2
        found += answer.json()["items"]
        cursor, answers = answer.json()["next"], answers + 1
        if cursor is None:
            return found, answers


@pytest.mark.slow
async def test_the_audios_of_a_document(world, client):
    document = await world.hand_in()
    await world.read(document, 3)
    url = f"/documents/{document}/audios"
    for voice in ("en", "de"):
        await world.narrations.narrate(world.owner, document, NarrationOptions(voice=voice))
    asked = await world.decided(AudioRequested)
    failed = next(one for one in asked if (one.page, one.voice) == (2, "de"))
    await world.fail(failed)
    for one in asked:
        if one.voice == "en":
            await world.speak(one)
    both = NarrationOptions(voice="en", format="mp3")
    await world.narrations.narrate(world.owner, document, both)  # the same sound, as MP3 too

    found, _ = await list_all(client, url)
    assert [(one["page"], one["voice"]) for one in found] == [
        (page, voice) for page in (1, 2, 3) for voice in ("de", "en")
    ]
    pages = {one["page"] for one in (await list_all(client, url, page=2))[0]}
    assert pages == {2}
    ready, _ = await list_all(client, url, voice="en", state="ready")
    assert [(one["page"], one["state"]) for one in ready] == [(n, "ready") for n in (1, 2, 3)]
    (lost,), _ = await list_all(client, url, state="failed")
    assert (lost["audio_id"], lost["failure"]["code"]) == (str(failed.audio_id), "broke")
    assert (await list_all(client, url, engine="none"))[0] == []


@pytest.mark.slow
async def test_one_answer_looks_at_a_bounded_number_of_audios(world, client, monkeypatch):
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 3)
    document = await world.hand_in()
    await world.read(document, 4)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    asked = await world.decided(AudioRequested)
    await world.fail(asked[-1])
    found, answers = await list_all(client, f"/documents/{document}/audios", state="failed")
    assert [one["page"] for one in found] == [4]
    assert answers == 2


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("state", "deleted", "invalid"),
        ("page", "0", "invalid"),
        ("page", "x", "invalid"),
        ("voice", "a\0", "invalid"),
        ("engine", "a\0", "invalid"),
        ("cursor", "x", "bad_cursor"),
        ("cursor", str(UUID(int=1)), "bad_cursor"),
    ],
)
async def test_audios_that_cannot_be_looked_for(world, client, name, value, code):
    document = await world.hand_in()
    answer = await client.get(f"/documents/{document}/audios", params={name: value})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.slow
async def test_the_audiobooks_of_a_document(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    url, made = f"/documents/{document}/audiobooks", []
    for book in ("m4b", "mp3", "opus"):
        narration = await world.narrations.narrate(
            world.owner, document, NarrationOptions(audiobook=book)
        )
        await world.speak_everything()
        made.append(str(narration))
    found, _ = await list_all(client, url)
    assert [one["narration_id"] for one in found] == made[::-1]
    assert (await client.get(url, params={"cursor": "x"})).json()["code"] == "bad_cursor"


@pytest.mark.slow
async def test_deleting_an_audiobook(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    order = NarrationOptions(audiobook="m4b")
    narration = await world.narrations.narrate(world.owner, document, order)
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    await world.bind(asked)
    url = f"/audiobooks/{asked.audiobook_id}"
    assert (await client.delete(url)).status_code == 204
    for answer in (await client.get(url), await client.get(f"{url}/download")):
        assert answer.status_code == 404
    assert (await client.delete(url)).status_code == 404
    assert (await client.get(f"/documents/{document}/audiobooks")).json()["items"] == []
    view = (await client.get(f"/narrations/{narration}")).json()
    assert (view["state"], view["audiobook"]["state"]) == ("outdated", "deleted")
    assert len(await world.decided(AudiobookRequested)) == 1, "it is made again by itself"
    again = await world.narrations.narrate(world.owner, document, order)
    assert again != narration
    assert len(await world.decided(AudiobookRequested)) == 2


@pytest.mark.slow
async def test_an_audiobook_that_is_deleted_while_it_is_made_is_waited_for_no_more(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    assert (await client.delete(f"/audiobooks/{asked.audiobook_id}")).status_code == 204
    (ended,) = await world.ends()
    assert (ended.pages_ready, ended.audiobook_id) == (1, None)


@pytest.mark.slow
async def test_equal_orders_make_one_audiobook(world, client):
    document = await world.hand_in()
    await world.read(document, 2)
    url = f"/documents/{document}"
    bodies = [("audiobook", {}), ("narrations", {"audiobook": "m4b"}), ("audiobook", None)]
    answers = [await client.post(f"{url}/{name}", json=body) for name, body in bodies]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    await world.speak_everything()
    await client.post(f"{url}/audiobook", json={"rate": 1.0})
    assert len(await world.decided(AudiobookRequested)) == 1
