import random

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world
from services.gateway.usage.tests.conftest import MOST
from services.gateway.usage.tests.using import characters, document_of, usage

pytestmark = pytest.mark.slow


async def waits(world, narration):
    view = await world.narration_queries.narration(world.owner, narration)
    return view.wait is not None


async def test_who_has_nothing_uses_nothing(world, clock):
    told = await usage(world)
    assert told["characters"] == {
        "used": 0,
        "reserved": 0,
        "left": MOST,
        "limit": MOST,
        "resets_at": clock.tomorrow,
    }
    for name in ("documents", "stored_bytes", "open_narrations", "pages_in_flight"):
        assert told[name]["used"] == 0
    assert told["requests"]["used"] == 1
    assert told["limits"]["sounds_per_page"] == world.kernel.limits.max_audios_per_page


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_left_is_exactly_what_an_order_may_take(world, clock, seed):
    """Whatever was ordered before: an order of all that is left waits for nothing, and one of one
    character more does."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 3)):
        size = chance.randint(1, 15)
        earlier = await document_of(world, *(size for _ in range(chance.randint(1, 2))))
        for rate in chance.sample((1.0, 1.0, 1.5), 2):
            await world.narrations.narrate(world.owner, earlier, NarrationOptions(rate=rate))
        if chance.random() < 0.5:
            await world.speak_everything()
    left = (await characters(world))["left"]
    assert 2 <= left < MOST
    exact, more = await document_of(world, left - 1, 1), await document_of(world, 1)
    fits = await world.narrations.narrate(world.owner, exact, NarrationOptions())
    assert (await characters(world))["left"] == 0
    await world.speak_everything()
    told = await characters(world)
    assert (told["used"], told["reserved"], told["left"]) == (MOST, 0, 0)
    assert not await waits(world, fits)
    too_much = await world.narrations.narrate(world.owner, more, NarrationOptions())
    await world.speak_everything()
    assert await waits(world, too_much)
    assert sum(event.characters for event in await world.decided(AudioRequested)) == MOST
    clock.next_day()
    assert (await characters(world))["left"] == MOST - 1


async def test_pages_count_when_they_are_known_though_they_were_ordered_before(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert (await characters(world))["left"] == MOST
    for page, size in enumerate((60, 60), start=1):
        await world.extract(document, page)
        await world.cut(document, page, characters=size)
    told = await characters(world)
    assert told == {"used": 60, "reserved": 60, "left": 0, "limit": MOST}
    assert await waits(world, narration)


async def test_a_page_that_two_orders_wait_for_is_reserved_once(world):
    document = await document_of(world, 10, 10, 10)
    for pages in ((1, 2, 3), (2, 3)):
        await world.narrations.narrate(
            world.owner, document, NarrationOptions(pages=page_ranges(pages))
        )
    assert await characters(world) == {"used": 20, "reserved": 10, "left": 70, "limit": MOST}


async def test_where_there_is_no_limit_it_is_told_what_is_used(tmp_path, database_url):
    async with a_world(tmp_path, database_url, max_characters_per_owner_and_day=0) as world:
        document = await document_of(world, 7)
        assert (await characters(world))["left"] is None
        await world.take(VOICES)
        await world.narrations.narrate(world.owner, document, NarrationOptions())
        assert await characters(world) == {"used": 7, "reserved": 0, "left": None, "limit": None}
