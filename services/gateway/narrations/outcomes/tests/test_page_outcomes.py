import pytest

from libs.common.contracts.audio import AudioRequested
from services.gateway.documents.selects import existing_document
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.outcomes.page_outcomes import (
    outcomes_of,
    pages_that_are,
    ready_pages,
)
from services.gateway.narrations.selects import narration_row

BOTH = NarrationOptions(format="mp3", audiobook="m4b")


async def counted(world, document, narration):
    async with world.database.reading() as connection:
        rows = await outcomes_of(connection, document, [narration], None)
    return {row.outcome: row.pages for row in rows}


@pytest.mark.slow
async def test_what_became_of_pages_is_counted_by_the_database(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    for page in (2, 3, 4):
        await world.extract(document, page)
    for page in (2, 3):
        await world.cut(document, page)
    first, second = await world.decided(AudioRequested)
    await world.speak(first)
    assert await counted(world, document, narration) == {"silent": 1, "ready": 1, "waiting": 2}
    await world.fail(second)
    assert await counted(world, document, narration) == {
        "silent": 1,
        "ready": 1,
        "failed": 1,
        "waiting": 1,
    }
    async with world.database.reading() as connection:
        row = await narration_row(connection, narration)
        assert await pages_that_are(connection, row, None, {"ready", "failed"}) == [2, 3]
        assert await pages_that_are(connection, row, None, {"ready", "failed"}, after=2) == [3]
        assert await pages_that_are(connection, row, 2, {"waiting"}) == []


@pytest.mark.slow
async def test_a_page_is_ready_when_it_is_in_every_format(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    narration = await world.narrations.narrate(world.owner, document, BOTH)
    first, second = await world.decided(AudioRequested)
    assert (first.formats, second.formats) == (("m4a",), ("mp3",))
    assert await counted(world, document, narration) == {"waiting": 1}
    await world.speak(second)
    assert await counted(world, document, narration) == {"ready": 1}
    async with world.database.reading() as connection:
        row = await narration_row(connection, narration)
        (page,) = await ready_pages(connection, row, 1)
        of = await existing_document(connection, document)
        assert of is not None
        (facts,) = await narration_facts(connection, of, [row])
    assert page.audio_id == first.audio_id  # the file is made from m4a
    assert (facts.is_all_there, facts.pages_total, facts.duration_ms) == (True, 1, 1500)
