from typing import get_args

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.formats import PageFormat
from libs.common.contracts.pages import page_ranges
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=2) as world:
        await world.take(VOICES)
        yield world


async def spoken_at(world, document, *rates, pages=None):
    for rate in rates:
        order = NarrationOptions(rate=rate, pages=pages and page_ranges(pages))
        await world.narrations.narrate(world.owner, document, order)
        await world.speak_everything()


@pytest.mark.slow
async def test_a_page_may_have_so_many_sounds(world):
    document = await world.hand_in()
    await world.read(document, 2)
    await spoken_at(world, document, 1.0, 1.5, pages=(2,))
    with pytest.raises(QuotaExceeded, match="Page 2 has 2"):
        await spoken_at(world, document, 2.0)
    await spoken_at(world, document, 2.0, pages=(1,))


@pytest.mark.slow
async def test_the_same_sound_again_costs_nothing(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await spoken_at(world, document, 1.0, 1.5, 1.0)


@pytest.mark.slow
async def test_what_failed_does_not_count(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for rate in (1.0, 1.5, 2.0):
        await world.narrations.narrate(world.owner, document, NarrationOptions(rate=rate))
        asked = (await world.decided(AudioRequested))[-1]
        await world.fail(asked)
    await spoken_at(world, document, 2.5)


@pytest.mark.slow
async def test_audio_of_an_older_text_does_not_count(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await spoken_at(world, document, 1.0, 1.5)
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    await world.cut(document, 1, revision=1)
    await spoken_at(world, document, 2.0)


@pytest.mark.slow
async def test_what_waits_for_its_turn_counts(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=2, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        narrate = world.narrations.narrate
        document = await world.hand_in()
        await world.read(document, 3)
        await narrate(world.owner, document, NarrationOptions(rate=1.0))
        await narrate(world.owner, document, NarrationOptions(rate=1.5, pages=page_ranges((2, 3))))
        with pytest.raises(QuotaExceeded, match="Page 2 has 2"):
            await narrate(world.owner, document, NarrationOptions(rate=2.0))
        await narrate(world.owner, document, NarrationOptions(rate=2.0, pages=page_ranges((1,))))
        await narrate(world.owner, document, NarrationOptions(rate=1.5, pages=page_ranges((2, 3))))
        await world.speak_everything()
        with pytest.raises(QuotaExceeded, match="Page 3 has 2"):
            await narrate(
                world.owner, document, NarrationOptions(rate=2.0, pages=page_ranges((3,)))
            )


async def test_pages_that_are_not_cut_yet_count(world):
    document = await world.hand_in()
    await world.extract(document, 1)
    await spoken_at(world, document, 1.0, 1.5)
    with pytest.raises(QuotaExceeded):
        await spoken_at(world, document, 2.0)
    await spoken_at(world, document, 1.5)


@pytest.mark.slow
async def test_formats_of_one_sound_count_once(world):
    document = await world.hand_in()
    await world.read(document, 1)
    for page_format in get_args(PageFormat):
        await world.narrations.narrate(world.owner, document, NarrationOptions(format=page_format))
        await world.speak_everything()
    assert len(await world.decided(AudioRequested)) > 2
    await spoken_at(world, document, 1.5)
    with pytest.raises(QuotaExceeded):
        await spoken_at(world, document, 2.0)
