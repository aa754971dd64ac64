from uuid import uuid4

import pytest


@pytest.fixture
async def document(world):
    """Three pages."""
    document = await world.hand_in()
    await world.read(document, 3)
    return document


async def test_the_order_of_pages(client, document):
    url = f"/documents/{document}/page-order"
    before = await client.get(url)
    assert (before.headers["etag"], before.json()["pages"]) == ('"0"', "1-3")
    seen = {"If-Match": '"0"'}
    answer = await client.put(url, json={"pages": [3, 1, 2]}, headers=seen)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert (answer.json()["pages"], answer.json()["revision"]) == ("3,1-2", 1)
    pages = (await client.get(f"/documents/{document}/pages")).json()["items"]
    assert [(page["page"], page["position"]) for page in pages] == [(3, 1), (1, 2), (2, 3)]
    stale = await client.put(url, json={"pages": "1-3"}, headers=seen)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    unseen = await client.put(url, json={"pages": "1-3"})
    assert (unseen.status_code, unseen.json()["code"]) == (428, "revision_required")


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ("1-2", "bad_order"),
        ("1-4", "bad_order"),
        ("1,1-3", "bad_order"),
        ([1, 2, 2], "bad_order"),
        ("", "invalid"),
        ("3-1", "invalid"),
        ("٣,١-٢", "invalid"),
        ([], "invalid"),
        ([0], "invalid"),
        ([True, 2, 3], "invalid"),
        (["1"], "invalid"),
        ([1] * 501, "invalid"),
        (None, "invalid"),
    ],
)
async def test_bad_orders(client, document, pages, code):
    answer = await client.put(
        f"/documents/{document}/page-order", json={"pages": pages}, headers={"If-Match": '"0"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_what_would_be_spoken(world, client):
    document = await world.hand_in()
    await world.extract(document, 1, b"Page 12.")
    url = f"/documents/{document}/pages/1/preview"
    early = await client.get(url)
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    await world.segment(document, 1, "Page twelve.", "The end.")
    first = (await client.get(url, params={"limit": 1})).json()
    assert [one["text"] for one in first["items"]] == ["Page twelve."]
    rest = (await client.get(url, params={"cursor": first["next"]})).json()
    assert ([one["text"] for one in rest["items"]], rest["next"]) == (["The end."], None)
    await world.documents.edit_page(world.owner, document, 1, "Other", 0)
    assert (await client.get(url)).status_code == 409
    assert (await client.get(f"/documents/{document}/pages/2/preview")).status_code == 404
    assert (await client.get(f"/documents/{uuid4()}/pages/1/preview")).status_code == 404
