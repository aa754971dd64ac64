import random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.pages import page_ranges
from services.gateway.features import FEATURES
from services.gateway.narrations.budget.daily_characters import derive_all, todays_budget
from services.gateway.narrations.budget.tests.days import (
    Clock,
    counts,
    restart,
    resume,
    waiting_jobs,
)
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.tests.test_waiting import STEPS, Story
from services.gateway.narrations.tables import daily_characters, page_requests
from services.gateway.rebuilding.rebuild_tables import Rebuild
from services.gateway.rebuilding.tests.living import lose, rows_of
from services.gateway.tables import READ_MODELS
from services.gateway.tests.world import VOICES, a_world

pytestmark = pytest.mark.slow


async def derived(world):
    """What would be counted if it were worked out anew."""
    async with world.database.transaction() as connection:
        await derive_all(connection)
        found = await connection.execute(select(daily_characters))
        return sorted(map(tuple, found))


async def live(world):
    return sorted(map(tuple, await world.database.fetch(select(daily_characters))))


async def test_what_a_day_has_no_room_for_waits_in_its_order(world, clock):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.read(document, 5)
    await world.speak_everything()
    assert await world.pages_asked() == [1, 2]
    assert await counts(world) == {(str(world.owner), clock.today): 24}
    clock.next_day()
    await resume(world)
    await world.speak_everything()
    assert await world.pages_asked() == [1, 2, 3, 4]
    clock.next_day()
    await resume(world)
    await world.speak_everything()
    assert await world.pages_asked() == [1, 2, 3, 4, 5]
    assert sum((await counts(world)).values()) == 60
    assert len(await world.ends()) == 1
    assert await live(world) == await derived(world)


async def test_owners_have_budgets_of_their_own(world, clock):
    other = uuid4()
    for owner in (world.owner, other):
        document = await world.hand_in(owner=owner)
        await world.read(document, 3)
        await world.narrations.narrate(owner, document, NarrationOptions())
    asked = [(event.owner_id, event.page) for event in await world.decided(AudioRequested)]
    assert asked == [(world.owner, 1), (world.owner, 2), (other, 1), (other, 2)]
    assert set((await counts(world)).values()) == {24}


async def test_what_was_asked_for_before_costs_nothing(world, clock):
    document = await world.hand_in()
    await world.read(document, 3)
    narrate = world.narrations.narrate
    first = await narrate(world.owner, document, NarrationOptions(pages=page_ranges((1, 2))))
    await world.speak_everything()
    again = await narrate(world.owner, document, NarrationOptions(pages=page_ranges((1, 2))))
    assert again == first
    await narrate(world.owner, document, NarrationOptions())  # page 3 has no room
    await narrate(world.owner, document, NarrationOptions(format="mp3"))
    asked = [(event.page, event.formats) for event in await world.decided(AudioRequested)]
    assert asked[2:] == [(1, ("mp3",)), (2, ("mp3",))]
    assert set((await counts(world)).values()) == {24}
    assert await live(world) == await derived(world)


async def test_what_costs_nothing_goes_from_behind_more_than_may_be_in_flight(world, clock):
    restart(world, max_pages_in_flight_per_owner=1)
    document = await world.hand_in()
    await world.read(document, 5)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    await world.narrations.narrate(world.owner, document, NarrationOptions(format="mp3"))
    await world.speak_everything()
    asked = [(event.page, event.formats) for event in await world.decided(AudioRequested)]
    assert asked == [(1, ("m4a",)), (2, ("m4a",)), (1, ("mp3",)), (2, ("mp3",))]


async def test_another_try_costs_nothing(world, clock):
    document = await world.hand_in()
    await world.read(document, 3)
    await world.narrations.narrate(world.owner, document, NarrationOptions(pages=page_ranges((1,))))
    (asked,) = await world.decided(AudioRequested)
    await world.fail(asked)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await world.pages_asked() == [1, 1, 2]
    assert set((await counts(world)).values()) == {24}
    assert await live(world) == await derived(world)


async def test_an_edited_page_and_another_sound_cost_as_much_again(world, clock):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    await world.cut(document, 1, revision=1, characters=3)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    await world.narrations.narrate(world.owner, document, NarrationOptions(rate=1.5))
    assert len(await world.pages_asked()) == 3
    assert set((await counts(world)).values()) == {18}


async def test_a_page_that_is_longer_than_a_day_may_have_goes_as_the_first_of_one(world, clock):
    document = await world.hand_in()
    for page, characters in ((1, 12), (2, 99), (3, 12)):
        await world.extract(document, page)
        await world.cut(document, page, characters=characters)
    await world.parse(document, 3)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    for asked in ([1], [1, 2], [1, 2, 3]):
        await resume(world)
        await world.speak_everything()
        assert await world.pages_asked() == asked
        clock.next_day()
    assert sorted((await counts(world)).values()) == [12, 12, 99]


async def test_without_a_limit_nothing_waits_and_all_is_counted(world, clock):
    restart(world, max_characters_per_owner_and_day=0)
    document = await world.hand_in()
    await world.read(document, 5)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await world.pages_asked() == [1, 2, 3, 4, 5]
    assert set((await counts(world)).values()) == {60}


async def test_a_limit_that_is_set_counts_what_was_spoken_before_on_that_day(world, clock):
    restart(world, max_characters_per_owner_and_day=0)
    document = await world.hand_in()
    await world.read(document, 3)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    restart(world, max_characters_per_owner_and_day=36)
    async with world.database.reading() as connection:
        budget = await todays_budget(connection, world.kernel.limits, world.owner)
        other = await todays_budget(connection, world.kernel.limits, uuid4())
    assert (budget.counted, budget.has_room_for(1)) == (36, False)
    assert other.has_room_for(36)


async def test_a_rebuild_counts_the_same(world, clock):
    document = await world.hand_in()
    await world.read(document, 4)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    clock.next_day()
    await resume(world)
    await world.narrations.narrate(world.owner, document, NarrationOptions(format="mp3"))
    await world.speak_everything()
    tables = (*READ_MODELS, page_requests, daily_characters)
    before = await rows_of(world.database, tables)
    assert len(before["daily_characters"]) == 2
    await lose(world.database, tables)
    await Rebuild(world.database, FEATURES, tables, show=print, tell=print).run()
    assert await rows_of(world.database, tables) == before


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
async def test_whatever_happens_no_day_has_more_and_the_count_can_be_worked_out_anew(
    tmp_path_factory, seed, monkeypatch
):
    chance = random.Random(seed)
    clock, most = Clock(monkeypatch), chance.choice((15, 30, 60))
    folder = tmp_path_factory.mktemp("budget")
    async with a_world(
        folder,
        max_characters_per_owner_and_day=most,
        max_pages_in_flight_per_owner=chance.choice((1, 2, 8)),
        max_audios_per_page=50,
    ) as world:
        await world.take(VOICES)
        story = Story(world, await world.hand_in(), chance)
        for _ in range(25):
            if chance.random() < 0.1:
                clock.next_day()
                await resume(world)
            await getattr(story, chance.choice(STEPS))()
            assert all(spent <= most for spent in (await counts(world)).values()), seed
        assert await live(world) == await derived(world), seed
        await everything_in_the_end(world, clock)


async def everything_in_the_end(world, clock):
    """No page waits for ever: after so many days all that can be spoken was asked for."""
    await world.speak_everything()
    for _ in range(200):
        if not await waiting_jobs(world):
            break
        clock.next_day()
        await resume(world)
        await world.speak_everything()
    restart(world, max_characters_per_owner_and_day=0)
    before = len(await world.pages_asked())
    await resume(world)
    await world.speak_everything()
    assert len(await world.pages_asked()) == before
