import base64
import json
from uuid import UUID, uuid4

import pytest

from services.gateway.tests.world import reference


async def test_documents_newest_first_and_page_by_page(world, client):
    made = [str(await world.hand_in()) for _ in range(5)]
    await world.hand_in(owner=uuid4())
    found, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = (await client.get("/documents", params=params)).json()
        assert len(answer["items"]) <= 2
        found += [item["document_id"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert found == made[::-1]


def cursor(moment: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([moment, str(UUID(int=1))]).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "W10=",
        "bnVsbA==",
        "é",
        cursor("\ud800"),
        cursor("\0"),
        cursor("soon"),
        cursor("2020-01-01\ud80000:00:00"),
        cursor("2020-01-01\x0000:00:00"),
    ],
)
async def test_a_cursor_that_is_none(client, cursor):
    answer = await client.get("/documents", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_a_document_says_how_far_it_is(world, client):
    document = await world.hand_in()
    url = f"/documents/{document}"
    assert (await client.get(url)).json()["state"] == "submitted"
    await world.extract(document, 1)
    reading = (await client.get(url)).json()
    assert (reading["state"], reading["pages_ready"], reading["pages_total"]) == (
        "reading",
        1,
        None,
    )
    await world.parse(document, 1, author="A", warnings=("One picture was left out.",))
    ready = (await client.get(url)).json()
    assert (ready["state"], ready["pages_total"], ready["author"]) == ("ready", 1, "A")
    assert (ready["warnings"], ready["chapters"]) == (1, 0)
    listed = (await client.get(f"/documents/{document}/warnings")).json()
    assert listed == {"items": ["One picture was left out."], "next": None}
    assert (await client.get(f"/documents/{document}/chapters")).json()["items"] == []
    assert ready["cover"] is False


async def test_a_document_that_cannot_be_read_says_why(world, client):
    document = await world.hand_in()
    await world.reject(document, "encrypted", "It has a password.")
    answer = (await client.get(f"/documents/{document}")).json()
    assert answer["state"] == "rejected"
    assert answer["failure"] == {"code": "encrypted", "reason": "It has a password."}


async def test_deleting(world, client):
    document = await world.hand_in()
    answer = await client.delete(f"/documents/{document}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"/documents/{document}")).status_code == 404
    assert (await client.delete(f"/documents/{document}")).status_code == 404
    assert (await client.get("/documents")).json()["items"] == []


async def test_the_cover(world, client):
    document = await world.hand_in()
    assert (await client.get(f"/documents/{document}/cover")).status_code == 404
    ref = await world.storage.write(f"documents/{document}/cover", b"picture", "image/png")
    await world.parse(document, 1, cover=ref)
    answer = await client.get(f"/documents/{document}/cover")
    assert (answer.content, answer.headers["content-type"]) == (b"picture", "image/png")
    assert (await client.get(f"/documents/{document}")).json()["cover"] is True


async def test_a_cover_that_is_gone(world, client):
    document = await world.hand_in()
    await world.parse(document, 1, cover=reference("documents/x/cover"))
    assert (await client.get(f"/documents/{document}/cover")).status_code == 404


async def test_searching_and_sorting(world, client):
    first, second = [await world.hand_in() for _ in range(2)]
    answer = await client.patch(
        f"/documents/{first}", json={"title": "Ünder"}, headers={"If-Match": '"0"'}
    )
    assert answer.status_code == 200

    async def found(**params):
        answer = await client.get("/documents", params=params)
        return [item["document_id"] for item in answer.json()["items"]]

    assert await found(title="üND") == [str(first)]
    assert await found(sort="-updated_at") == [str(first), str(second)]
    assert await found(sort="-title") == [str(first), str(second)]
    assert await found(sort="title", state="submitted", source_kind="text") == [
        str(second),
        str(first),
    ]
    assert await found(state="ready") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "size"),
        ("sort", "TITLE"),
        ("state", "deleted"),
        ("source_kind", "fax"),
        ("media_type", "%"),
        ("title", ""),
        ("title", "a\0b"),
        ("title", "x" * 256),
    ],
)
async def test_what_cannot_be_looked_for_is_told(client, name, value):
    answer = await client.get("/documents", params={name: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["where"] == f"query.{name}"
