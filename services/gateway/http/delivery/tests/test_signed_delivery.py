"""Audio by signed URLs, which are followed to moto's server."""

import logging
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.permissions import ShareLevel
from libs.common.observability import telemetry
from libs.common.settings import CommonSettings
from libs.common.storage.tests.moto_bucket import bucket, moto_endpoint  # noqa: F401 - fixtures
from services.gateway.accounts.tests.people import KEY
from services.gateway.http.delivery.cloudfront import CloudFront
from services.gateway.http.delivery.signed_delivery import SignedDelivery
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.everything import account, shared
from services.gateway.tests.world import VOICES, a_world

pytestmark = pytest.mark.slow

PART = {"Range": "bytes=2-4"}


@asynccontextmanager
async def a_signing_world(folder, **settings):
    async with a_world(folder, delivery="signed", signed_url_seconds=60, **settings) as world:
        await world.take(VOICES)
        try:
            yield world
        finally:
            await world.storage.close()


@pytest.fixture
async def world(tmp_path, monkeypatch, bucket, moto_endpoint):  # noqa: F811 - the fixtures
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    monkeypatch.setenv("LECTERN_S3_ACCESS_KEY_ID", "test-id")
    monkeypatch.setenv("LECTERN_S3_SECRET_ACCESS_KEY", "test-key")
    url = f"s3://lectern?endpoint={moto_endpoint}"
    async with a_signing_world(tmp_path, storage_url=url) as world:
        yield world


async def spoken(world):
    """An audio that is ready, and what is asked for an audiobook of it."""
    document = await world.hand_in()
    await world.read(document, 1)
    order = NarrationOptions(format="mp3", audiobook="m4b")
    await world.narrations.narrate(world.owner, document, order)
    await world.speak_everything()
    (asked,) = await world.appended(AudioRequested)
    (book,) = await world.decided(AudiobookRequested)
    return asked, book


@pytest.fixture
async def audio(world):
    asked, _ = await spoken(world)
    return asked


@asynccontextmanager
async def somebody():
    """Somebody without credentials, who goes where they are sent."""
    async with httpx.AsyncClient() as anybody:
        yield anybody


async def redirected(client, path, **sent):
    answer = await client.get(path, **sent)
    assert (answer.status_code, answer.content) == (307, b""), answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.headers["location"]


async def test_any_part_is_fetched_where_the_redirect_leads(client, audio):
    url = await redirected(client, f"/audios/{audio.audio_id}/stream", headers=PART)
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["60"]
    async with somebody() as anybody:
        whole, part = await anybody.get(url), await anybody.get(url, headers=PART)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["content-type"] == "audio/mpeg"
    assert whole.headers["cache-control"] == "private"
    assert "content-disposition" not in whole.headers
    assert (part.status_code, part.content) == (206, b"234")


async def test_a_client_that_follows_sends_its_range_there_and_no_token(
    world,
    audio,
    moto_endpoint,  # noqa: F811 - the fixture
):
    seen = []

    async def note(request):
        seen.append((request.url.host, request.headers.get("range"), dict(request.headers)))

    transports = {"http://gateway": httpx.ASGITransport(app=world.app)}
    async with httpx.AsyncClient(mounts=transports, event_hooks={"request": [note]}) as client:
        answer = await client.get(
            f"http://gateway/api/v1/audios/{audio.audio_id}/stream",
            headers={**PART, "Authorization": f"Bearer {world.token}"},
            follow_redirects=True,
        )
    assert (answer.status_code, answer.content) == (206, b"234")
    assert [(host, part) for host, part, _ in seen] == [
        ("gateway", "bytes=2-4"),
        (urlsplit(moto_endpoint).hostname, "bytes=2-4"),
    ]
    assert "authorization" not in seen[1][2]


async def test_downloads_have_their_names_and_types(world, client):
    asked, book = await spoken(world)
    stored = await world.storage.write(
        f"audio/{book.document_id}/{book.audiobook_id}/book.m4b", b"book", "x/y"
    )
    await world.bind(book, object=stored)
    async with somebody() as anybody:
        page = await anybody.get(await redirected(client, f"/audios/{asked.audio_id}/download"))
        whole = await anybody.get(
            await redirected(client, f"/audiobooks/{book.audiobook_id}/download")
        )
    for answer, name, media_type in (
        (page, "A title - 001.mp3", "audio/mpeg"),
        (whole, "A title.m4b", "audio/mp4"),
    ):
        assert answer.status_code == 200
        assert f'attachment; filename="{name}"' in answer.headers["content-disposition"]
        assert answer.headers["content-type"] == media_type
    assert whole.content == b"book"


async def test_a_playback_link_leads_there_too(world, client, audio):
    made = (await client.post(f"/audios/{audio.audio_id}/playback-link")).json()
    async with somebody() as anybody:
        anonymous = world.client()
        anonymous.headers.pop("Authorization")
        url = await redirected(anonymous, f"http://gateway{made['path']}")
        await anonymous.aclose()
        assert (await anybody.get(url, headers=PART)).content == b"234"


async def test_who_has_no_share_any_more_gets_no_further_url(world, client, audio):
    user, token = await world.tokens.create("bea")
    await account(world, user, "bea@example.org")
    share = await shared(world, audio.document_id, "bea@example.org", ShareLevel.VIEW_ONLY)
    path = f"/audios/{audio.audio_id}/stream"
    async with world.client(token) as bea:
        await redirected(bea, path)
        gone = await client.delete(f"/documents/{audio.document_id}/shares/{share}")
        assert gone.status_code == 204
        answer = await bea.get(path, headers=PART)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers


async def test_the_head_comes_from_here(client, audio):
    answer = await client.head(f"/audios/{audio.audio_id}/stream")
    assert (answer.status_code, answer.headers["content-length"]) == (200, "10")
    assert "location" not in answer.headers


async def test_conditions_with_our_etag_are_answered_here_and_others_there(client, audio):
    path = f"/audios/{audio.audio_id}/stream"
    ours = (await client.head(path)).headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": ours})).status_code == 304
    for name in ("If-Range", "If-Match"):
        part = await client.get(path, headers={**PART, name: ours})
        assert (part.status_code, part.content) == (206, b"234")
    async with somebody() as anybody:
        url = await redirected(client, path)
        theirs = (await anybody.get(url)).headers["etag"]
        assert theirs != ours
    await redirected(client, path, headers={**PART, "If-Range": theirs})


async def test_timings_and_captions_come_from_here(client, audio):
    for part in ("timings", "captions"):
        assert (await client.get(f"/audios/{audio.audio_id}/{part}")).status_code == 200


async def test_a_folder_has_no_urls_so_audio_is_proxied_which_is_logged_once(tmp_path):
    async with a_signing_world(tmp_path) as world, world.client() as client:
        asked, _ = await spoken(world)
        with capture_logs() as lines:
            for _ in range(2):
                answer = await client.get(f"/audios/{asked.audio_id}/stream", headers=PART)
                assert (answer.status_code, answer.content) == (206, b"234")
                assert answer.headers["cache-control"] == "private"
    said = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert said == ["audio is proxied: only a bucket has signed URLs"]


def delivering(sign):
    cloudfront = CloudFront(domain="d1.cloudfront.net", key_pair_id="K", sign=sign)
    return SignedDelivery(seconds=60, cloudfront=cloudfront)


async def test_a_distribution_comes_before_the_bucket(world):
    url = await delivering(lambda policy: b"signed").signed_url(
        world.storage, "audio/1/a.mp3", "audio/mpeg", None
    )
    assert url is not None
    assert url.startswith("https://d1.cloudfront.net/audio/1/a.mp3?response-content-type=")


async def test_the_bucket_signs_where_cloudfront_cannot(world):
    def sign(policy):
        raise RuntimeError("no such digest")

    delivery = delivering(sign)
    with capture_logs() as lines:
        for _ in range(2):
            url = await delivery.signed_url(world.storage, "audio/1/a.mp3", "audio/mpeg", None)
            assert url is not None
            assert "X-Amz-Signature=" in url
    (said,) = [line for line in lines if line["log_level"] == "warning"]
    assert (said["event"], said["error"]) == ("no URL of CloudFront can be signed", "RuntimeError")


@pytest.fixture
def logging_as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_no_log_shows_a_signature(tmp_path, client, audio, capsys, level):
    common = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092",
        storage_url=f"file://{tmp_path}/objects",
        log_level=level,
    )
    logged = telemetry.configure("gateway", common)
    try:
        url = await redirected(client, f"/audios/{audio.audio_id}/stream")
        async with somebody() as anybody:
            await anybody.get(url)
        structlog.get_logger("any").warning("went there", url=url, headers=[("location", url)])
        logging.getLogger("any").warning("went to %s", url)
    finally:
        logged.close()
    shown = capsys.readouterr().out
    assert "went there" in shown
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Signature"][0] not in shown
    assert query["X-Amz-Credential"][0].split("/")[0] not in shown
