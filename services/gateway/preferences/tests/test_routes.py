import pytest

from libs.common.contracts.narrations import NarrationRequested
from services.gateway.tests.everything import account
from services.gateway.tests.world import a_world

pytestmark = pytest.mark.slow

NOTHING = {"engine": None, "voice": None, "rate": None, "language": None}


async def test_who_said_nothing_prefers_nothing(client):
    assert (await client.get("/preferences")).json() == NOTHING


async def test_what_is_left_out_stays_and_null_is_no_preference(world, client):
    refused = await client.patch("/preferences", json={"language": "de"})
    assert refused.json()["code"] == "not_found", "who has no account is not written to"
    await account(world, world.owner, "ada@example.org")
    first = await client.patch("/preferences", json={"voice": "joan", "rate": 1.25})
    assert first.json() == {"engine": "other", "voice": "joan", "rate": 1.25, "language": "en"}
    await client.patch("/preferences", json={"language": "de", "rate": None})
    now = {"engine": "other", "voice": "joan", "rate": None, "language": "de"}
    assert (await client.get("/preferences")).json() == now
    changed = await client.patch("/preferences", json={"voice": "de"})
    assert (changed.json()["engine"], changed.json()["voice"]) == ("espeak", "de")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"voice": "nobody"}, "unknown_voice"),
        ({"engine": "espeak", "voice": "joan"}, "unknown_voice"),
        ({"engine": "none"}, "unknown_engine"),
        ({"rate": 1.01}, "invalid"),
        ({"rate": 9}, "invalid"),
        ({"language": "no language"}, "invalid"),
        ({"color": "red"}, "invalid"),
    ],
)
async def test_what_there_is_not_is_refused_as_in_an_order(world, client, wanted, code):
    answer = await client.patch("/preferences", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if code != "invalid":
        document = await world.hand_in()
        order = await client.post(f"/documents/{document}/narrations", json=wanted)
        assert order.json()["detail"] == answer.json()["detail"]
    assert (await client.get("/preferences")).json() == NOTHING


async def test_an_order_without_a_voice_is_spoken_as_is_preferred(world, client):
    await client.patch("/preferences", json={"voice": "joan", "rate": 1.5})
    document = await world.hand_in()
    await world.read(document, 1)

    async def ordered(**order):
        answer = await client.post(f"/documents/{document}/narrations", json=order)
        return tuple(answer.json()[name] for name in ("engine", "voice", "rate"))

    assert await ordered() == ("other", "joan", 1.5)
    assert await ordered(rate=1.0) == ("other", "joan", 1.0)
    assert await ordered(engine="other") == ("other", "joan", 1.5)
    assert await ordered(engine="espeak") == ("espeak", "en", 1.5)
    assert await ordered(voice="anna") == ("other", "anna", 1.5)
    with_it = await client.post("/documents", json={"text": "some", "narrate": {}})
    assert with_it.status_code == 202
    *_, asked = await world.appended(NarrationRequested)
    assert (asked.engine, asked.voice, asked.rate) == ("other", "joan", 1.5)


async def test_a_preferred_voice_of_another_language_is_passed_over(world, client):
    await client.patch("/preferences", json={"voice": "anna"})
    document = await world.hand_in()
    await world.read(document, 1)  # in English
    answer = await client.post(f"/documents/{document}/narrations", json={})
    assert (answer.json()["engine"], answer.json()["voice"]) == ("other", "joan")


async def test_each_has_their_own_also_who_has_but_a_token(world, client):
    await client.patch("/preferences", json={"rate": 2.0})
    _, token = await world.tokens.create("another owner")
    async with world.client(token) as other:
        assert (await other.get("/preferences")).json() == NOTHING


async def test_no_voice_is_known_before_an_engine_is(tmp_path, database_url):
    async with a_world(tmp_path, database_url) as world, world.client() as client:
        assert (await client.patch("/preferences", json={"voice": "en"})).status_code == 503
        assert (await client.patch("/preferences", json={"rate": 1.5})).status_code == 200
