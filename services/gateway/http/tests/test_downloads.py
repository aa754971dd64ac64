import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.audio import AudioRequested
from services.gateway.http.downloads import ByteRange, Unsatisfiable, asked_span
from services.gateway.narrations.options import NarrationOptions


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("", None),
        ("bytes=0-3", ByteRange(0, 4)),
        ("BYTES = 2 - 4", ByteRange(2, 5)),
        ("bytes=4-", ByteRange(4, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        ("bytes=8-99", ByteRange(8, 10)),
        ("bytes=0-1,4-5", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-3", None),
    ],
)
def test_ranges(header, span):
    assert asked_span(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_ranges_that_are_not_there(header):
    with pytest.raises(Unsatisfiable):
        asked_span(header, 10)
    with pytest.raises(Unsatisfiable):
        asked_span("bytes=0-", 0)


@pytest.mark.slow
@given(st.text(max_size=30), st.integers(0, 100))
def test_no_header_asks_for_more_than_there_is(header, size):
    for part in (header, f"bytes={header}"):
        try:
            span = asked_span(part, size)
        except Unsatisfiable:
            continue
        assert span is None or 0 <= span.start < span.end <= size


@pytest.fixture
async def url(world):
    """Where ten bytes of audio are."""
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    await world.speak(asked, b"0123456789")
    return f"/audios/{asked.audio_id}/stream"


@pytest.mark.slow
async def test_the_whole(client, url):
    answer = await client.get(url)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["content-type"] == "audio/mp4"
    assert answer.headers["content-length"] == "10"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private"
    assert len(answer.headers["etag"]) == 66


@pytest.mark.slow
async def test_a_part(client, url):
    answer = await client.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    assert answer.headers["content-length"] == "3"


async def test_a_part_that_is_not_there(client, url):
    answer = await client.get(url, headers={"Range": "bytes=10-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.slow
async def test_a_part_of_what_one_has(client, url):
    etag = (await client.get(url)).headers["etag"]
    part = {"Range": "bytes=-2"}
    same = await client.get(url, headers=part | {"If-Range": etag})
    assert (same.status_code, same.content) == (206, b"89")
    for other in ('"other"', f"W/{etag}", "Mon, 23 Nov 2026 00:00:00 GMT"):
        whole = await client.get(url, headers=part | {"If-Range": other})
        assert (whole.status_code, len(whole.content)) == (200, 10)


@pytest.mark.slow
async def test_what_one_has_is_not_sent_again(client, url):
    etag = (await client.get(url)).headers["etag"]
    for known in (etag, f'"a", W/{etag}', "*"):
        answer = await client.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")


async def test_the_head_alone(client, url):
    answer = await client.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "10"
    part = await client.head(url, headers={"Range": "bytes=0-0"})
    assert (part.status_code, part.headers["content-length"]) == (206, "1")


@pytest.mark.slow
async def test_an_object_that_is_gone(world, client, url):
    await world.storage.delete_prefix("audio/")
    answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "audio/" not in answer.text


@pytest.mark.slow
async def test_a_file_that_is_another_one_by_now(client, url):
    etag = (await client.get(url)).headers["etag"]
    part = {"Range": "bytes=2-4"}
    for same in (etag, "*", f'"other", {etag}'):
        answer = await client.get(url, headers={"If-Match": same, **part})
        assert (answer.status_code, answer.content) == (206, b"234")
    for other in ('"other"', f"W/{etag}", "", etag.strip('"')):
        answer = await client.get(url, headers={"If-Match": other, **part})
        assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    head = await client.head(url, headers={"If-Match": '"other"', "If-None-Match": etag})
    assert head.status_code == 412
