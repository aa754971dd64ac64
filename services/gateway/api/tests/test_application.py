import json

from libs.common.events import AudioRequested


async def test_the_whole_way_in_one_call(world, client):
    order = {"audiobook": "m4b", "pages": "1-2"}
    answer = await client.post(
        "/documents",
        files={"file": ("book.txt", b"some text", "text/plain")},
        data={"title": "My book", "narrate": json.dumps(order)},
    )
    assert answer.status_code == 202, answer.text
    document = answer.json()
    assert document["state"] == "submitted"
    assert answer.headers["location"] == f"/api/v1/documents/{document['document_id']}"

    found = await client.get(answer.headers["location"].removeprefix("/api/v1"))
    assert found.json()["title"] == "My book"

    from uuid import UUID

    await world.read(UUID(document["document_id"]), 2)
    await world.speak_everything()
    narration = (await client.get(f"/narrations/{document['narration_id']}")).json()
    assert narration["pages_ready"] == 2
    assert narration["audiobook"]["state"] == "making"
    asked = await world.decided(AudioRequested)
    heard = await client.get(f"/audios/{asked[0].audio_id}/stream")
    assert heard.content == b"0123456789"
