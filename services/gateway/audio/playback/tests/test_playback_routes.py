from time import time
from uuid import UUID

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.permissions import ShareLevel
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.tests.people import KEY
from services.gateway.audio.playback import playback_routes
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.everything import account, shared
from services.gateway.tests.world import VOICES, a_world

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, database_url, playback_link_seconds=600) as world:
        await world.take(VOICES)
        yield world


@pytest.fixture
async def audio(world):
    return await spoken_audio(world)


async def spoken_audio(world):
    """An audio that is ready."""
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions(format="mp3"))
    await world.speak_everything()
    (asked,) = await world.appended(AudioRequested)
    return asked


async def linked(client, audio, **query):
    answer = await client.post(f"/audios/{audio.audio_id}/playback-link", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def player(world):
    """Somebody without credentials."""
    client = world.client()
    client.headers.pop("Authorization")
    client.base_url = "http://gateway"
    return client


async def sharing(world, audio):
    """Somebody with a share of the document, their id and token."""
    user, token = await world.tokens.create("bea")
    await account(world, user, "bea@example.org")
    share = await shared(world, audio.document_id, "bea@example.org", ShareLevel.VIEW_ONLY)
    return user, token, share


async def test_a_player_without_credentials_hears_any_part(world, client, audio):
    made = await linked(client, audio)
    assert made["media_type"] == "audio/mpeg"
    async with player(world) as anybody:
        whole = await anybody.get(made["path"])
        assert (whole.status_code, whole.content) == (200, b"0123456789")
        assert whole.headers["cache-control"] == "private"
        part = await anybody.get(made["path"], headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert (await anybody.head(made["path"])).headers["content-length"] == "10"
        another = made["path"].replace("format=mp3", "format=opus")
        assert (await anybody.get(another)).json()["code"] == "no_such_format"


async def test_what_is_no_link_is_as_what_is_not_there(world, client, audio):
    made = await linked(client, audio)
    async with player(world) as anybody:
        changed = [
            made["path"].replace("signature=1", "signature=2"),
            made["path"].partition("?")[0],
            made["path"].replace(str(audio.audio_id), str(UUID(int=1))),
        ]
        for path in changed:
            answer = await anybody.get(path)
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such audio.")


async def test_it_ends_when_its_time_is_over(world, client, audio, monkeypatch):
    made = await linked(client, audio)
    async with player(world) as anybody:
        now = time()
        monkeypatch.setattr(playback_routes, "time", lambda: now + 598)
        assert (await anybody.get(made["path"])).status_code == 200
        monkeypatch.setattr(playback_routes, "time", lambda: now + 601)
        assert (await anybody.get(made["path"])).status_code == 404


async def test_the_next_range_ends_with_the_share(world, client, audio):
    _, token, share = await sharing(world, audio)
    async with world.client(token) as bea, player(world) as anybody:
        path = (await linked(bea, audio))["path"]
        assert (await anybody.get(path, headers={"Range": "bytes=0-1"})).status_code == 206
        gone = await client.delete(f"/documents/{audio.document_id}/shares/{share}")
        assert gone.status_code == 204
        assert (await anybody.get(path, headers={"Range": "bytes=2-3"})).status_code == 404


async def test_it_ends_with_an_account_that_is_disabled_and_with_the_audio(world, client, audio):
    user, token, _ = await sharing(world, audio)
    async with world.client(token) as bea, player(world) as anybody:
        of_bea = (await linked(bea, audio))["path"]
        of_owner = (await linked(client, audio))["path"]
        await AccountClosing(world.kernel).disable(user, None)
        assert (await anybody.get(of_bea)).status_code == 404
        assert (await anybody.get(of_owner)).status_code == 200
        assert (await client.delete(f"/audios/{audio.audio_id}")).status_code == 204
        assert (await anybody.get(of_owner)).status_code == 404


async def test_who_may_not_listen_gets_no_link(world, audio):
    _, token = await world.tokens.create("stranger")
    async with world.client(token) as stranger:
        answer = await stranger.post(f"/audios/{audio.audio_id}/playback-link")
    assert answer.status_code == 404


async def test_a_site_without_a_key_has_no_links(tmp_path, database_url, monkeypatch):
    monkeypatch.delenv("LECTERN_MAIL_LINK_KEY", raising=False)
    async with a_world(tmp_path, database_url) as world, world.client() as client:
        await world.take(VOICES)
        spoken = await spoken_audio(world)
        answer = await client.post(f"/audios/{spoken.audio_id}/playback-link")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_links")
        assert (await client.get(f"/audios/{spoken.audio_id}/playback")).status_code == 404
