import random

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import page_ranges
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.estimate_views import estimate_view
from services.gateway.narrations.planning.estimating import estimate_order
from services.gateway.tests.world import VOICES, a_world

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path):
    settings = {
        "max_characters_per_owner_and_day": 120,
        "max_pages_in_flight_per_owner": 2,
        "max_audios_per_page": 3,
        "engine_prices": "espeak=1000000",
        "price_currency": "EUR",
    }
    async with a_world(tmp_path, database_url, **settings) as world:
        await world.take(VOICES)
        yield world


async def estimated(world, document, **order):
    found = await estimate_order(world.kernel, world.owner, document, NarrationOptions(**order))
    return estimate_view(found, world.kernel.prices)


async def asked_characters(world):
    return sum(event.characters for event in await world.decided(AudioRequested))


def some_order(chance):
    pages = chance.choice([None, page_ranges(chance.sample(range(1, 7), 3))])
    return {
        "pages": pages,
        "rate": chance.choice([1.0, 1.0, 1.5]),
        "format": chance.choice(["m4a", "m4a", "mp3"]),
    }


@pytest.mark.parametrize("seed", range(6))
async def test_an_estimate_is_what_the_order_then_does(world, clock, seed):
    """Whatever was ordered and spoken before, and however much of the document is read."""
    chance = random.Random(seed)
    document = await world.hand_in()
    for page in range(1, 7):
        await world.extract(document, page)
        if chance.random() < 0.8:
            silent = chance.random() < 0.2
            await world.cut(
                document,
                page,
                utterances=0 if silent else 2,
                characters=0 if silent else chance.randint(1, 9),
            )
    if chance.random() < 0.7:
        await world.parse(document, 6)
    for _ in range(chance.randint(0, 2)):
        await world.narrations.narrate(
            world.owner, document, NarrationOptions(**some_order(chance))
        )
        if chance.random() < 0.6:
            await world.speak_everything()
    order = some_order(chance)
    told = await estimated(world, document, **order)
    assert await estimated(world, document, **order) == told, "an estimate changes something"
    spent, orders = 120 - told.left_today, len(await world.appended(NarrationRequested))
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions(**order))
    view = await world.narration_queries.narration(world.owner, narration)
    assert (view.narration_id == told.narration_id) == (told.narration_id is not None)
    assert len(await world.appended(NarrationRequested)) == orders + (told.narration_id is None)
    assert (view.pages_total, view.pages_ready, view.pages_silent, view.characters) == (
        told.pages_total,
        told.pages_ready,
        told.pages_silent,
        told.characters,
    )
    assert told.fits_today
    assert view.wait is None
    await world.speak_everything()
    assert await asked_characters(world) >= spent + told.characters_to_speak
    after = await estimated(world, document, pages=page_ranges([1]), rate=2.0)
    assert 120 - after.left_today == spent + told.characters_to_speak


async def test_what_is_spoken_already_costs_nothing(world):
    document = await world.hand_in()
    await world.read(document, 4)
    some = NarrationOptions(pages=page_ranges([1, 2]))
    await world.narrations.narrate(world.owner, document, some)
    await world.speak_everything()
    told = await estimated(world, document)
    assert (told.pages_ready, told.pages_to_speak, told.pages_unknown) == (2, 2, 0)
    assert (told.characters, told.characters_to_speak) == (48, 24)
    (cost,) = told.costs
    assert (cost.engine, cost.characters, cost.amount, cost.currency) == (
        "espeak",
        24,
        24,
        "EUR",
    )
    # Two pages of 12 characters were heard in 1.5 s each.
    assert (told.rate_source, told.characters_per_minute) == ("document", 480.0)
    assert told.minutes == pytest.approx(0.1)
    again = await estimated(world, document, pages=some.pages)
    assert (again.characters_to_speak, again.narration_id is None) == (0, False)
    other = await estimated(world, document, rate=1.5)
    assert other.characters_per_minute == 720.0


async def test_what_another_order_waits_for_is_not_new(world):
    document = await world.hand_in()
    await world.read(document, 4)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    told = await estimated(world, document, pages=page_ranges([3, 4]))
    assert told.characters_to_speak == 0
    assert told.left_today == 120 - 48


async def test_pages_that_nobody_read_yet_are_told_as_unknown(world):
    document = await world.hand_in()
    told = await estimated(world, document, pages=page_ranges(range(1, 6)))
    assert (told.pages_total, told.pages_unknown, told.characters) == (5, 5, 0)
    assert (told.rate_source, told.characters_per_minute) == ("usual", 925.0)
    assert (await estimated(world, document)).pages_unknown is None


async def test_what_does_not_fit_or_would_be_refused_says_so(world):
    document = await world.hand_in()
    await world.read(document, 4)
    for rate in (1.0, 1.5):
        await world.narrations.narrate(world.owner, document, NarrationOptions(rate=rate))
        await world.speak_everything()
    told = await estimated(world, document, rate=2.0)
    assert (told.characters_to_speak, told.left_today, told.fits_today) == (48, 24, False)
    assert told.refusal is None
    await world.narrations.narrate(world.owner, document, NarrationOptions(rate=2.0))
    refused = await estimated(world, document, rate=2.5)
    assert refused.refusal is not None
    assert refused.refusal.code == "quota_exceeded"


async def test_a_page_longer_than_a_day_fits_as_the_first_of_one(world):
    document = await world.hand_in()
    await world.extract(document, 1)
    await world.cut(document, 1, characters=500)
    assert (await estimated(world, document)).fits_today
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert not (await estimated(world, document, rate=1.5)).fits_today


async def test_who_may_not_order_is_told_nothing(world):
    document = await world.hand_in()
    _, token = await world.tokens.create("stranger")
    with pytest.raises(NotFound):
        await estimate_order(world.kernel, document, document, NarrationOptions())
    async with world.client(token) as stranger, world.client() as client:
        path = f"/documents/{document}/estimate"
        assert (await stranger.post(path, json={})).status_code == 404
        told = (await client.post(path, json={"voice": "de"})).json()
        assert (told["voice"], told["costs"][0]["amount"]) == ("de", "0.0000")
        wrong = await client.post(path, json={"voice": "nobody"})
        assert wrong.json()["code"] == "unknown_voice"
