"""The same gateway on PostgreSQL, where several transactions really run at once."""

import asyncio
import random

import pytest
from structlog.testing import capture_logs

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.documents import DocumentParsed, PageExtracted, PageSegmented
from libs.common.contracts.pages import page_ranges
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world, reference

PAGES = 6


@pytest.fixture
async def world(tmp_path, postgres_database):
    """A gateway on an empty PostgreSQL database."""
    async with a_world(tmp_path, postgres_database, max_pages_in_flight_per_owner=2) as world:
        await world.take(VOICES)
        yield world


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_at_once_every_page_is_requested_once(world, seed):
    document = await world.hand_in()
    about = {"document_id": document, "owner_id": world.owner}
    extracted = [
        PageExtracted(**about, page=page, text=reference(), markdown_characters=1, language="und")
        for page in range(1, PAGES + 1)
    ]
    cut = [
        PageSegmented(
            **about,
            page=page,
            segmented_page=reference(),
            utterance_count=1,
            characters=1,
            revision=0,
            language="und",
        )
        for page in range(1, PAGES + 1)
    ]

    async def topic(events):
        for event in events:  # the order of one topic and key is kept
            await world.take(event)

    steps = [
        topic(extracted),
        topic(cut),
        world.parse(document, PAGES),
        world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b")),
    ]
    random.Random(seed).shuffle(steps)
    await asyncio.gather(*steps)

    spoken = set()
    while left := [
        event for event in await world.decided(AudioRequested) if event.audio_id not in spoken
    ]:
        assert len(left) <= 2
        spoken |= {event.audio_id for event in left}
        await asyncio.gather(*map(world.speak, left))
    asked = [event.page for event in await world.decided(AudioRequested)]
    assert sorted(asked) == list(range(1, PAGES + 1))
    assert len(await world.decided(AudiobookRequested)) == 1


async def test_the_api_answers(world):
    async with world.client() as client:
        document = await world.hand_in()
        await world.read(document, 2)
        listed = (await client.get("/documents", params={"limit": 1})).json()
        assert [document["document_id"] for document in listed["items"]] == [str(document)]
        narration = (await client.post(f"/documents/{document}/narrations", json={})).json()
        await world.speak_everything()
        done = (await client.get(f"/narrations/{narration['narration_id']}")).json()
        assert (done["state"], done["pages_ready"]) == ("ready", 2)
        edited = await client.put(
            f"/documents/{document}/pages/1", json={"text": "New"}, headers={"If-Match": '"0"'}
        )
        assert edited.json()["revision"] == 1


async def test_of_two_edits_at_once_one_wins(world):
    document = await world.hand_in()
    await world.read(document, 1)
    async with world.client() as client:
        answers = await asyncio.gather(
            *(
                client.put(
                    f"/documents/{document}/pages/1",
                    json={"text": text},
                    headers={"If-Match": '"0"'},
                )
                for text in ("One", "Two")
            )
        )
        page = (await client.get(f"/documents/{document}/pages/1")).json()
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sorted(answer.status_code for answer in answers)[1] in {409, 412}
    assert page["revision"] == 1


async def test_orders_at_once_do_not_pass_the_quota(tmp_path, postgres_database):
    async with a_world(tmp_path, postgres_database, max_audios_per_page=2) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await world.read(document, 1)
        orders = (NarrationOptions(rate=1 + number / 10) for number in range(6))
        narrate = world.narrations.narrate
        answers = await asyncio.gather(
            *(narrate(world.owner, document, options) for options in orders), return_exceptions=True
        )
        assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 4
        assert len(await world.decided(AudioRequested)) == 2


async def test_batches_about_several_owners_do_not_lock_each_other_out(world):
    other, _ = await world.tokens.create("other")
    batches = []
    for owners in ((world.owner, other), (other, world.owner)) * 4:
        documents = [await world.hand_in(owner=owner) for owner in owners * 4]
        batches.append(
            [
                DocumentParsed(
                    document_id=document,
                    owner_id=world.owner,
                    page_count=1,
                    markdown_characters=1,
                    details=reference("gone"),
                    chapter_count=0,
                    language="und",
                    media_type="application/octet-stream",
                )
                for document in documents
            ]
        )
    with capture_logs() as logs:
        await asyncio.gather(*(world.take(*batch) for batch in batches))
    assert "a batch is taken one by one" not in [log["event"] for log in logs]


async def test_more_pages_may_be_asked_for_than_a_statement_has_parameters(world):
    document = await world.hand_in()
    await world.extract(document, 40_000)
    await world.cut(document, 40_000)
    asked = NarrationOptions(pages=page_ranges(range(1, 40_001)))
    await world.narrations.narrate(world.owner, document, asked)
    assert [event.page for event in await world.decided(AudioRequested)] == [40_000]


async def test_lists_go_on_behind_their_cursors(world):
    documents = {await world.hand_in() for _ in range(3)}
    async with world.client() as client:
        about = f"/documents/{documents.copy().pop()}/narrations"
        for voice in ("en", "de"):
            (await client.post(about, json={"voice": voice})).raise_for_status()
        assert await _listed(client, "/documents", "document_id") == {str(one) for one in documents}
        assert len(await _listed(client, about, "narration_id")) == 2


async def _listed(client, path, name):
    """Read a list one by one."""
    found: list[str] = []
    cursor = None
    while not found or cursor:
        answer = await client.get(
            path, params={"limit": 1} | ({"cursor": cursor} if cursor else {})
        )
        assert answer.status_code == 200, answer.text
        found += [item[name] for item in answer.json()["items"]]
        cursor = answer.json()["next"]
    assert len(found) == len(set(found))
    return set(found)
