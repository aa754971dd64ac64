from dataclasses import replace
from typing import get_args

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.formats import PageFormat
from libs.common.contracts.pages import MAX_RANGES, page_ranges
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.quota import first_in, full_page
from services.gateway.narrations.rows import EVERY_PAGE
from services.gateway.narrations.tables import REFUSED, page_requests
from services.gateway.narrations.tests.test_decide import narration
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


async def test_sounds_are_counted_before_the_first_page_is_known(world):
    document = await world.hand_in()
    await spoken_at(world, document, 1.0, 1.5)
    with pytest.raises(QuotaExceeded, match=r"Page 1 has 2 sounds .*rate 1, .*rate 1\.5"):
        await spoken_at(world, document, 2.0)
    await world.read(document, 3)
    await world.speak_everything()
    assert {event.rate for event in await world.decided(AudioRequested)} == {1.0, 1.5}


async def test_pages_that_are_not_read_yet_count_where_orders_overlap(world):
    document = await world.hand_in()
    await world.extract(document, 1)
    for rate, pages in ((1.0, (4, 5)), (1.5, (5, 6)), (2.0, (6, 7))):
        await spoken_at(world, document, rate, pages=pages)
    with pytest.raises(QuotaExceeded, match="Page 5"):
        await spoken_at(world, document, 2.5, pages=(1, 2, 3, 4, 5))
    await spoken_at(world, document, 2.5, pages=(1, 2, 3, 4, 7))


def restart_with_one_audio_per_page(world):
    limits = replace(world.kernel.limits, max_audios_per_page=1)
    object.__setattr__(world.kernel, "limits", limits)


@pytest.mark.slow
async def test_a_page_that_is_full_by_now_is_missing_with_a_code(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=2) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await spoken_at(world, document, 1.0, 1.5)
        await world.extract(document, 1)
        restart_with_one_audio_per_page(world)
        await world.cut(document, 1)
        await world.parse(document, 1)
        await world.speak_everything()
        assert [event.rate for event in await world.decided(AudioRequested)] == [1.0]
        second, first = (await world.narration_queries.narrations(world.owner, document)).items
        assert (first.state, second.state) == ("ready", "failed")
        failures = await world.narration_queries.failures(world.owner, second.narration_id, 9)
        assert [(page.page, page.code) for page in failures.items] == [(1, "quota_exceeded")]
        assert len(await world.ends()) == 2
        (audio,) = await world.decided(AudioRequested)
        await world.audio.delete(world.owner, audio.audio_id)
        await world.speak_everything()
        assert [event.rate for event in await world.decided(AudioRequested)] == [1.0, 1.5]


@pytest.mark.slow
async def test_a_page_that_was_refused_stays_so_when_another_format_of_it_is_asked_for(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=2) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await spoken_at(world, document, 1.0, 1.5)
        await world.extract(document, 1)
        await world.extract(document, 2)  # for which both wait
        restart_with_one_audio_per_page(world)
        await world.cut(document, 1)
        other_format = NarrationOptions(rate=1.0, format="mp3", pages=page_ranges((1,)))
        await world.narrations.narrate(world.owner, document, other_format)
        asked = [(event.rate, event.formats) for event in await world.decided(AudioRequested)]
        assert asked == [(1.0, ("m4a",)), (1.0, ("mp3",))]
        async with world.database.reading() as connection:
            states = select(page_requests.c.state).where(page_requests.c.page == 1)
            assert list(await connection.scalars(states)) == [REFUSED]


def test_ranges_of_a_hundred_thousand_pages_are_compared_as_ranges():
    every = range(1, 100_000, 2)
    orders = [narration(pages=every[:MAX_RANGES]) for _ in range(3)]
    others = [replace(row, rate=1 + number) for number, row in enumerate(orders)]
    asked = page_ranges(range(2, 2 * MAX_RANGES, 2))
    assert full_page(asked, others, 1, 3) is None
    assert full_page(EVERY_PAGE, others, 10, 3) == (11, [("espeak", "en", 1 + n) for n in range(3)])
    assert full_page(EVERY_PAGE, others, 10, 4) is None


@pytest.mark.parametrize(
    ("pages", "numbers", "first"),
    [((1, 2), (3,), None), ((1, 5, 6), (2, 6, 7), 6), ((), (1,), None)],
)
def test_the_first_number_in_ranges(pages, numbers, first):
    assert first_in(page_ranges(pages), numbers) == first
