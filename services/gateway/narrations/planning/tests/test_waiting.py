"""What is waited for is a function of the read models, whatever has happened in what order."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.identifiers import uuid7
from libs.common.contracts.pages import page_ranges
from libs.common.contracts.tasks import TaskFailed
from services.gateway.kernel.errors import NotFound, Stale
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.waiting import derive_all
from services.gateway.narrations.tables import page_requests
from services.gateway.tests.world import VOICES, a_world

PAGES = 3
ORDERS = (
    NarrationOptions(),
    NarrationOptions(pages=page_ranges((1, 3))),
    NarrationOptions(format="mp3"),
    NarrationOptions(voice="de", audiobook="m4b"),
)


async def waiting(world):
    found = await world.database.fetch(select(page_requests))
    return sorted(map(tuple, found))


async def derived(world):
    async with world.database.transaction() as connection:
        await derive_all(connection)
        found = await connection.execute(select(page_requests))
        rows = sorted(map(tuple, found))
    return rows


class Story:
    """Things that happen to one document, at random."""

    def __init__(self, world, document, chance):
        self.world, self.document, self.chance = world, document, chance
        self.revisions = dict.fromkeys(range(1, PAGES + 1), 0)
        self.spoken = set()

    def page(self):
        return self.chance.randint(1, PAGES)

    async def extract(self):
        await self.world.extract(self.document, self.page())

    async def cut(self):
        page = self.page()
        revision = self.chance.randint(0, self.revisions[page])
        await self.world.cut(self.document, page, revision, utterances=self.chance.choice((0, 2)))

    async def edit(self):
        page = self.page()
        try:
            self.revisions[page] = await self.world.documents.edit_page(
                self.world.owner, self.document, page, "New", self.revisions[page]
            )
        except (NotFound, Stale):
            return

    async def cannot_be_cut(self):
        await self.world.take(
            TaskFailed(
                task_id=uuid7(),
                service="segmenter",
                kind="segment",
                document_id=self.document,
                page=self.page(),
                code="bug",
                attempts=1,
                fingerprint="0" * 16,
                owner_id=None,
                requested_by=None,
                about_stream=None,
                details=None,
            )
        )

    async def narrate(self):
        order = self.chance.choice(ORDERS)
        await self.world.narrations.narrate(self.world.owner, self.document, order)

    async def parse(self):
        await self.world.parse(self.document, PAGES)

    async def _asked(self):
        asked = await self.world.decided(AudioRequested)
        left = [event for event in asked if event.audio_id not in self.spoken]
        if left:
            self.spoken.add(left[0].audio_id)
        return left[:1]

    async def speak(self):
        for asked in await self._asked():
            await self.world.speak(asked)

    async def fail(self):
        for asked in await self._asked():
            await self.world.fail(asked)

    async def delete_audio(self):
        for asked in await self.world.decided(AudioRequested):
            if self.chance.random() < 0.3:
                try:
                    await self.world.audio.delete(self.world.owner, asked.audio_id)
                except NotFound:
                    continue


STEPS = (
    "extract",
    "cut",
    "edit",
    "cannot_be_cut",
    "narrate",
    "parse",
    "speak",
    "fail",
    "delete_audio",
)


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
async def test_what_waits_is_what_would_be_worked_out_anew(tmp_path_factory, seed):
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("waiting")
    async with a_world(
        folder,
        max_pages_in_flight_per_owner=chance.choice((1, 2, 8)),
        max_audios_per_page=50,
        max_characters_per_owner_and_day=chance.choice((0, 30)),
    ) as world:
        await world.take(VOICES)
        story = Story(world, await world.hand_in(), chance)
        for _ in range(25):
            step = chance.choice(STEPS)
            await getattr(story, step)()
            assert await waiting(world) == await derived(world), (seed, step)


async def test_a_page_that_failed_for_a_narration_is_asked_for_anew_by_another_one(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (first,) = await world.decided(AudioRequested)
    await world.fail(first)
    assert await waiting(world) == []
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert len(await world.decided(AudioRequested)) == 2


async def test_a_page_whose_audio_another_narration_asked_for_is_tried_once_more(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for order in (NarrationOptions(), NarrationOptions(pages=page_ranges((1,)))):
        await world.narrations.narrate(world.owner, document, order)
    (first,) = await world.decided(AudioRequested)
    await world.fail(first)
    _, second = await world.decided(AudioRequested)
    await world.fail(second)
    assert len(await world.decided(AudioRequested)) == 2
    assert await waiting(world) == []
