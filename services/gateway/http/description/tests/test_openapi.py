"""The OpenAPI document says what is so: for every route, whatever feature it is of."""

import json
from http import HTTPStatus

import pytest

from services.gateway.http.description.openapi import TAGS
from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES

UNDOCUMENTED = {"method_not_allowed"}
"""Problems of no operation."""


@pytest.fixture
async def described(client):
    return (await client.get("/openapi.json")).json()


def operations(described):
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


async def test_what_the_document_says_of_itself(described):
    assert described["openapi"] == "3.1.1"
    assert described["info"]["license"] == {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    assert described["servers"] == [{"url": "/"}]
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    declared = {tag["name"] for tag in described["tags"] if tag["description"]}
    used = {tag for _, operation in operations(described) for tag in operation["tags"]}
    assert used == declared == set(TAGS)


async def test_ids_of_operations_are_short_and_unique(described):
    ids = [operation["operationId"] for _, operation in operations(described)]
    assert len(set(ids)) == len(ids)
    assert all(name.isidentifier() and len(name) <= 30 for name in ids)


async def test_every_problem_is_declared_with_its_codes(described):
    seen = set()
    for where, operation in operations(described):
        assert "401" in operation["responses"], where
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"], where
            if not where.startswith("head") and HTTPStatus(int(status)) >= 400:
                (content,) = answer["content"].values()
                assert set(answer["content"]) == {"application/problem+json"}
                for code, example in content["examples"].items():
                    assert example["value"]["code"] == code
                    assert PROBLEM_TYPES[code].status == int(status)
                    seen.add(code)
    assert set(PROBLEM_TYPES) - seen == UNDOCUMENTED


async def test_head_is_declared_wherever_get_is_without_content(described):
    for path, item in described["paths"].items():
        assert ("get" in item) == ("head" in item), path
        for answer in item.get("head", {"responses": {}})["responses"].values():
            assert "content" not in answer


async def test_files_are_declared_with_parts_and_conditions(described):
    stream = described["paths"]["/api/v1/audios/{audio_id}/stream"]["get"]
    assert {"200", "206", "304", "416"} <= stream["responses"].keys()
    part = stream["responses"]["206"]
    assert set(part["content"]) == {"audio/mp4", "audio/mpeg", "audio/ogg"}
    assert {"ETag", "Content-Range", "Accept-Ranges"} <= part["headers"].keys()
    names = {parameter["name"] for parameter in stream["parameters"]}
    assert {"Range", "If-Range", "If-None-Match", "format"} <= names


async def test_audio_may_be_elsewhere_and_nothing_else(described):
    redirected = {
        where
        for where, operation in operations(described)
        for status, answer in operation["responses"].items()
        if status.startswith("3") and "Location" in answer["headers"]
    }
    assert redirected == {
        "get /api/v1/audios/{audio_id}/stream",
        "get /api/v1/audios/{audio_id}/download",
        "get /api/v1/audios/{audio_id}/playback",
        "get /api/v1/audiobooks/{audiobook_id}/download",
    }


EVENTS = {"snapshot", "document", "page", "audio", "audio_deleted", "narration", "deleted"}


@pytest.mark.parametrize(
    ("path", "events"),
    [("/documents/{document_id}/events", EVENTS), ("/events", {"ready", *EVENTS})],
)
async def test_events_are_declared_with_their_payloads(described, path, events):
    watch = described["paths"][f"/api/v1{path}"]["get"]
    (kind, content), *others = watch["responses"]["200"]["content"].items()
    assert (kind, others) == ("text/event-stream", [])
    assert set(content["x-events"]) == events
    assert "``Last-Event-ID`` is ignored" in watch["description"]
    for reference in content["x-events"].values():
        assert reference["$ref"].rpartition("/")[2] in described["components"]["schemas"]


async def test_moments_and_ids_have_their_formats(described):
    schemas = described["components"]["schemas"]
    assert schemas["DocumentView"]["properties"]["submitted_at"]["format"] == "date-time"
    assert schemas["DocumentView"]["properties"]["document_id"]["format"] == "uuid"
    moments = json.dumps(schemas["NarrationView"]["properties"]["first_ready_at"])
    assert "date-time" in moments


async def test_the_raw_upload_declares_its_query(described):
    submit = described["paths"]["/api/v1/documents"]["post"]
    names = {parameter["name"] for parameter in submit["parameters"]}
    assert names == {"filename", "title", "narrate", "Idempotency-Key"}
    assert "Location" in submit["responses"]["202"]["headers"]
    assert "Retry-After" in submit["responses"]["429"]["headers"]
    assert "x-problems" not in json.dumps(submit)
