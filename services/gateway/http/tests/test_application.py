"""What holds for every route: strangers find nothing, and no answer shows where objects are."""

import json
import re
from uuid import UUID, uuid4

import fastapi.routing
import pytest

from services.gateway.tests.everything import everything

OPEN = {
    "/api/v1/openapi.json",
    "/api/v1/registrations",
    "/api/v1/password-resets",
    "/api/v1/login",
    "/api/v1/login/providers",
    "/api/v1/mail-links",
    "/api/v1/audios/{audio_id}/playback",
}
PERSONAL = {
    "/api/v1/documents",
    "/api/v1/shared",
    "/api/v1/events",
    "/api/v1/engines",
    "/api/v1/voices",
    "/api/v1/sessions",
    "/api/v1/logout",
    "/api/v1/tokens",
    "/api/v1/account/password",
    "/api/v1/account/deletion",
    "/api/v1/account/addresses",
    "/api/v1/account/addresses/{address_id}",
    "/api/v1/account/addresses/{address_id}/primary",
    "/api/v1/account/identities",
    "/api/v1/account/identities/{identity_id}",
    "/api/v1/usage",
    "/api/v1/preferences",
    "/api/v1/users",
    "/api/v1/users/{user_id}/disable",
    "/api/v1/users/{user_id}/enable",
    "/api/v1/invitations",
}
"""Routes about no document: everybody with a token has them."""

FOR_STAFF = {"/api/v1/users"}
SIGNED = {"/api/v1/audios/{audio_id}/playback"}
"""Found by whoever has a link."""

OF_LINKS = {"/api/v1/listen"}
"""Routes for who comes with a link in place of a token."""
STREAMS = {"/api/v1/documents/{document_id}/events", "/api/v1/events"}

BODIES = {
    ("put", "/api/v1/documents/{document_id}/page-order"): {"pages": "2,1"},
    ("post", "/api/v1/documents/{document_id}/pages"): {"text": "More"},
    ("patch", "/api/v1/documents/{document_id}"): {"title": "Mine"},
    ("put", "/api/v1/documents/{document_id}/pages/{page}"): {"text": "Mine"},
    ("post", "/api/v1/documents/{document_id}/narrations"): {},
    ("post", "/api/v1/documents/{document_id}/estimate"): {},
    ("post", "/api/v1/documents/{document_id}/shares"): {"address": "bea@example.org"},
    ("patch", "/api/v1/documents/{document_id}/shares/{share_id}"): {"level": "can_share"},
    ("post", "/api/v1/documents/{document_id}/links"): {"label": "For the reading group"},
}


async def routes(client):
    """Every (method, path) that the API declares, and HEAD where there is GET of an object."""
    declared = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in declared.items():
        for method, operation in operations.items():
            yield method, path
            content = operation["responses"].get("200", {}).get("content", {})
            if method == "get" and "application/json" not in content and path not in STREAMS:
                yield "head", path


@pytest.fixture
async def ids(world):
    """A document with everything that a document can have."""
    return await everything(world)


def asked(method, path, ids):
    sent = {"headers": {"X-Request-Id": "the-same-for-all"}}
    if method not in {"get", "head"}:
        sent["headers"]["If-Match"] = '"0"'
    if method in {"put", "post", "patch"}:
        sent["json"] = BODIES.get((method, path), {})
    return path.format(**ids).removeprefix("/api/v1"), sent


@pytest.mark.slow
async def test_strangers_find_nothing_anywhere(world, client, ids):
    _, token = await world.tokens.create("stranger")
    walked = 0
    async with world.client(token) as stranger:
        async for method, path in routes(client):
            if path in OPEN | PERSONAL:
                continue
            url, sent = asked(method, path, ids)
            answer = await stranger.request(method, url, **sent)
            assert answer.status_code == 404, (method, path, answer.text)
            if method != "head":
                missing = await stranger.request(
                    method,
                    asked(method, path, {name: uuid4() for name in ids} | {"page": 1})[0],
                    **sent,
                )
                assert missing.json() == answer.json(), "it can be told from what is not there"
                assert missing.headers == answer.headers, path
            walked += 1
        assert (await stranger.get("/documents")).json() == {"items": [], "next": None}
    assert walked > 20
    assert (await client.get(f"/documents/{ids['document_id']}")).status_code == 200


@pytest.mark.slow
async def test_nothing_is_open_without_a_token(world, client, ids):
    client.headers.pop("Authorization")
    async for method, path in routes(client):
        if path in OPEN:
            continue
        url, sent = asked(method, path, ids)
        answer = await client.request(method, url, **sent)
        assert answer.status_code == 401, (method, path)


@pytest.mark.slow
async def test_no_answer_shows_where_objects_are(world, client, ids):
    """Keys of objects contain a slash after the first id, file names or revisions."""
    key = re.compile(r"(documents|audio|segments)/[0-9a-f-]{2,36}/|\.r\d+\.|file://|s3://")
    stored = [
        key for prefix in ("documents/", "audio/") async for key in world.storage.keys(prefix)
    ]
    walked = 0
    async for method, path in routes(client):
        if method != "get" or path in STREAMS | SIGNED | FOR_STAFF | OF_LINKS:
            continue
        url, sent = asked(method, path, ids)
        answer = await client.get(url, **sent)
        assert answer.status_code == 200, (path, answer.text)
        if "json" in answer.headers["content-type"] and path not in OPEN:
            assert not key.search(answer.text), path
            assert not [key for key in stored if key in answer.text], path
            assert '"key"' not in answer.text
            walked += 1
    assert walked > 8


@pytest.mark.slow
async def test_the_description_is_whole(client):
    described = (await client.get("/openapi.json")).json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert all(operation.get("description") for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert "HTTPBearer" in described["components"]["securitySchemes"]
    submit = described["paths"]["/api/v1/documents"]["post"]["requestBody"]["content"]
    assert set(submit) == {"multipart/form-data", "application/octet-stream", "application/json"}


@pytest.mark.slow
async def test_every_reference_of_the_description_leads_somewhere(client):
    described = (await client.get("/openapi.json")).json()
    references = re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(described))
    assert "components/schemas/NarrationRequest" in references
    for reference in references:
        place = described
        for name in reference.split("/"):
            assert name in place, reference
            place = place[name]


@pytest.mark.slow
async def test_the_whole_way_in_one_call(world, client):
    answer = await client.post(
        "/documents",
        files={"file": ("book.txt", b"some text", "text/plain")},
        data={"title": "My book", "narrate": json.dumps({"audiobook": "m4b", "pages": "1-2"})},
    )
    assert answer.status_code == 202, answer.text
    submitted = answer.json()
    found = await client.get(answer.headers["location"].removeprefix("/api/v1"))
    assert found.json()["title"] == "My book"
    await world.read(UUID(submitted["document_id"]), 2)
    await world.speak_everything()
    narration = (await client.get(f"/narrations/{submitted['narration_id']}")).json()
    assert (narration["pages_ready"], narration["audiobook"]["state"]) == (2, "making")


async def test_no_answer_has_a_list_without_an_end(client):
    """A list has at most so many items, and one that goes on is a listing with a cursor."""
    description = (await client.get("/openapi.json")).json()
    answered: set[str] = set()
    for operations in description["paths"].values():
        for operation in operations.values():
            answered |= _named(description, operation["responses"])
    assert "NarrationView" in answered
    endless = {
        f"{name}.{field}"
        for name in answered
        for field, schema in description["components"]["schemas"][name]
        .get("properties", {})
        .items()
        for array in _arrays(schema)
        if "maxItems" not in array
    }
    assert endless == set()


async def test_who_lists_says_how_many_and_from_where(client):
    description = (await client.get("/openapi.json")).json()
    for path, operations in description["paths"].items():
        for operation in operations.values():
            if any(name.startswith("Listing") for name in _named({}, operation["responses"])):
                names = {parameter["name"] for parameter in operation["parameters"]}
                assert {"limit", "cursor"} <= names, path


def _named(description, schema):
    """The schemas that one refers to, and those that these refer to."""
    found: set[str] = set()
    for ref in re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)):
        if ref not in found:
            found.add(ref)
            inner = description.get("components", {}).get("schemas", {}).get(ref, {})
            found |= _named(description, inner)
    return {name for name in found if name != "ProblemModel"}


def _arrays(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "array":
            yield schema
        for part in schema.values():
            yield from _arrays(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _arrays(part)


@pytest.mark.slow
async def test_no_request_waits_for_routes_to_be_worked_out(world, client, monkeypatch):
    """FastAPI does so when it looks at them for the first time; all of them take 0.1 s."""

    def late(*_, **__):
        raise AssertionError("a route is worked out while somebody waits")

    monkeypatch.setattr(fastapi.routing, "get_dependant", late)
    assert (await client.get("/engines")).status_code == 200
