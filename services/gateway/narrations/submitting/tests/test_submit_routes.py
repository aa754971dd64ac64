import pytest

from services.gateway.tests.world import a_world


@pytest.mark.slow
async def test_the_ways_to_hand_in_are_declared(client):
    declared = (await client.get("/openapi.json")).json()["paths"]["/api/v1/documents"]["post"]
    content = declared["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/octet-stream", "application/json"}
    assert declared["x-capability"] == "hand in documents"


@pytest.mark.slow
async def test_what_was_handed_in_is_shown_with_its_narration(client):
    asked = {"text": "Some text.", "title": "A title", "narrate": {"rate": 1.5}}
    answer = await client.post("/documents", json=asked)
    shown = answer.json()
    assert answer.headers["location"] == f"/api/v1/documents/{shown['document_id']}"
    assert (answer.status_code, shown["title"], shown["cover"]) == (202, "A title", False)
    narration = (await client.get(f"/narrations/{shown['narration_id']}")).json()
    assert (narration["rate"], narration["state"]) == (1.5, "working")


@pytest.mark.slow
async def test_who_has_many_documents_still_to_be_read_tries_again_later(tmp_path):
    async with (
        a_world(tmp_path, max_unparsed_documents_per_owner=2) as world,
        world.client() as client,
    ):
        answers = [await client.post("/documents", json={"text": f"Text {n}."}) for n in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        refused = answers[-1]
        assert refused.json()["code"] == "too_many_documents"
        assert "2 documents of yours are just being taken in" in refused.json()["detail"]
        assert refused.headers["retry-after"] == "1"
