import pytest

from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.options import NarrationOptions


@pytest.fixture
async def document(world):
    """Three pages."""
    document = await world.hand_in()
    await world.read(document, 3)
    return document


@pytest.mark.slow
async def test_pages_in_order(client, document):
    first = (await client.get(f"/documents/{document}/pages", params={"limit": 2})).json()
    rest = await client.get(f"/documents/{document}/pages", params={"cursor": first["next"]})
    assert [item["page"] for item in first["items"]] == [1, 2]
    assert [item["page"] for item in rest.json()["items"]] == [3]
    assert rest.json()["next"] is None
    assert {item["state"] for item in first["items"]} == {"speakable"}


@pytest.mark.slow
async def test_a_page_with_text_and_audios(world, client, document):
    await world.narrations.narrate(world.owner, document, NarrationOptions(pages=page_ranges((2,))))
    await world.speak_everything()
    answer = await client.get(f"/documents/{document}/pages/2")
    assert answer.headers["etag"] == '"0"'
    page = answer.json()
    assert page["text"] == "Hello there.\n"
    (audio,) = page["audios"]
    assert (audio["state"], audio["duration_ms"]) == ("ready", 1500)
    (rendition,) = audio["renditions"]
    assert (rendition["format"], rendition["bytes"]) == ("m4a", 10)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["4", "0", "-1", "x", "99999999999999999999"])
async def test_pages_that_are_not_there(client, document, page):
    assert (await client.get(f"/documents/{document}/pages/{page}")).status_code == 404


@pytest.mark.slow
async def test_editing(world, client, document):
    url = f"/documents/{document}/pages/1"
    answer = await client.put(url, json={"text": "New"}, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert (answer.json()["text"], answer.json()["state"]) == ("New\n", "read")

    stale = await client.put(url, json={"text": "Other"}, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await client.get(url)).json()["text"] == "New\n"
    await world.cut(document, 1, revision=1)
    assert (await client.get(url)).json()["state"] == "speakable"


@pytest.mark.slow
@pytest.mark.parametrize("if_match", [None, "*", "0", 'W/"0"', '"x"'])
async def test_an_edit_says_what_it_edits(client, document, if_match):
    headers = {"If-Match": if_match} if if_match else {}
    answer = await client.put(
        f"/documents/{document}/pages/1", json={"text": "New"}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (428, "revision_required")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": " "}, 422, "empty"),
        ({"text": "x" * 20_001}, 413, "too_large"),
        ({"text": "x" * 5_000_000}, 413, "too_large"),
        ({}, 422, "invalid"),
        ([], 422, "invalid"),
    ],
)
async def test_bad_edits(client, document, body, status, code):
    answer = await client.put(
        f"/documents/{document}/pages/1", json=body, headers={"If-Match": '"0"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(f"/documents/{document}/pages/1")).headers["etag"] == '"0"'


@pytest.mark.slow
async def test_adding(world, client, document):
    url = f"/documents/{document}/pages"
    answer = await client.post(url, json={"text": "# New", "position": 1})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"0"')
    assert answer.headers["location"] == f"/api/v1{url}/4"
    page = answer.json()
    assert (page["page"], page["position"], page["text"]) == (4, 1, "# New\n")
    assert (page["state"], page["title"]) == ("read", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": " "}, 422, "empty"),
        ({"text": "x" * 20_001}, 413, "too_large"),
        ({"text": "a\0"}, 422, "bad_text"),
        ({"text": "a", "position": 0}, 422, "invalid"),
        ({"text": "a", "position": True}, 422, "invalid"),
        ({"text": "a", "position": "1"}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
async def test_bad_pages(client, document, body, status, code):
    answer = await client.post(f"/documents/{document}/pages", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len((await client.get(f"/documents/{document}/pages")).json()["items"]) == 3
