from uuid import uuid4

import pytest


async def test_a_document_that_is_not_there_is_not_watched(client):
    answer = await client.get(f"/documents/{uuid4()}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.slow
async def test_the_events_are_declared(client):
    declared = (await client.get("/openapi.json")).json()["paths"]
    operation = declared["/api/v1/documents/{document_id}/events"]["get"]
    assert "``snapshot``" in operation["description"]
