import pytest


@pytest.mark.slow
async def test_the_ways_to_hand_in_are_declared(client):
    declared = (await client.get("/openapi.json")).json()["paths"]["/api/v1/documents"]["post"]
    content = declared["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/octet-stream", "application/json"}
    assert declared["x-capability"] == "signed in"


@pytest.mark.slow
async def test_what_was_handed_in_is_shown_with_its_narration(client):
    asked = {"text": "Some text.", "title": "A title", "narrate": {"rate": 1.5}}
    answer = await client.post("/documents", json=asked)
    shown = answer.json()
    assert answer.headers["location"] == f"/api/v1/documents/{shown['document_id']}"
    assert (answer.status_code, shown["title"], shown["cover"]) == (202, "A title", False)
    narration = (await client.get(f"/narrations/{shown['narration_id']}")).json()
    assert (narration["rate"], narration["state"]) == (1.5, "working")
