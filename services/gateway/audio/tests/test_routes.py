import pytest

from libs.common.contracts.audio import AudioProgressed, AudioRequested
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
