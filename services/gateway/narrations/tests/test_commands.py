from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentSubmitted,
)
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import page_ranges
from libs.common.errors import Rejected, Unavailable
from services.gateway.documents.uploads import Source, Submission
from services.gateway.kernel.errors import NotFound, QuotaExceeded
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world


async def test_document_and_narration_come_together_or_not_at_all(world):
    source = Source(kind="url", url="https://x.org/a")
    submission = Submission(document_id=uuid4(), owner_id=world.owner, source=source)
    commands = world.narrations
    with pytest.raises(Rejected, match="no voice"):
        await commands.submit_and_narrate(submission, NarrationOptions(voice="nobody"))
    assert await world.decided(DocumentSubmitted) == []
    assert [key async for key in world.storage.keys("documents/")] == []
    narration = await commands.submit_and_narrate(submission, NarrationOptions())
    (asked,) = await world.decided(NarrationRequested)
    assert (asked.document_id, asked.narration_id) == (submission.document_id, narration)
    assert world.kernel.metrics.documents_submitted_total._value.get() == 1


async def test_strangers_find_nothing(world):
    document = await world.hand_in()
    with pytest.raises(NotFound):
        await world.narrations.narrate(uuid4(), document, NarrationOptions())


async def test_pages_must_exist(world):
    document = await world.hand_in()
    await world.read(document, 2)
    options = NarrationOptions(pages=page_ranges((1, 3)))
    with pytest.raises(Rejected, match="no page 3"):
        await world.narrations.narrate(world.owner, document, options)


async def test_a_rejected_document_is_not_spoken(world):
    document = await world.hand_in()
    await world.reject(document)
    with pytest.raises(Rejected, match="could not be read"):
        await world.narrations.narrate(world.owner, document, NarrationOptions())


async def test_without_engines_there_is_no_narration(tmp_path):
    async with a_world(tmp_path) as world:
        document = await world.hand_in()
        with pytest.raises(Unavailable):
            await world.narrations.narrate(world.owner, document, NarrationOptions())


@pytest.mark.slow
async def test_deleting_a_document_forgets_the_pages_that_wait(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.documents.delete(world.owner, document)
    await world.cut(document, 1)
    assert await world.decided(AudioRequested) == []
    assert len(await world.decided(DocumentDeleted)) == 1
    with pytest.raises(NotFound):
        await world.documents.delete(world.owner, document)


async def test_an_identical_order_is_answered_with_the_one_there_is(world):
    document = await world.hand_in()
    narrate = world.narrations.narrate
    first = await narrate(world.owner, document, NarrationOptions(pages=page_ranges((1, 2))))
    assert (
        await narrate(world.owner, document, NarrationOptions(pages=page_ranges((2, 1)))) == first
    )
    await world.read(document, 2)
    await world.speak_everything()
    again = await narrate(
        world.owner, document, NarrationOptions(pages=page_ranges((1, 2))), uuid4()
    )
    assert again == first
    assert len(await world.decided(NarrationRequested)) == 1


@pytest.mark.parametrize(
    "other",
    [
        NarrationOptions(pages=page_ranges((1,))),
        NarrationOptions(rate=1.5),
        NarrationOptions(voice="de"),
        NarrationOptions(format="mp3"),
        NarrationOptions(audiobook="m4b"),
    ],
)
async def test_an_order_that_differs_is_another_one(world, other):
    document = await world.hand_in()
    first = await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await world.narrations.narrate(world.owner, document, other) != first


@pytest.mark.slow
async def test_an_order_whose_audio_is_not_all_there_is_given_anew(world):
    document = await world.hand_in()
    await world.read(document, 1)
    narrate = world.narrations.narrate
    first = await narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    await world.fail(asked)
    second = await narrate(world.owner, document, NarrationOptions())
    await world.speak_everything()
    assert second != first
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    await world.cut(document, 1, revision=1)
    third = await narrate(world.owner, document, NarrationOptions())
    assert third not in {first, second}


async def test_so_many_narrations_of_a_document_may_be_open(tmp_path):
    async with a_world(tmp_path, max_open_narrations_per_document=2) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        narrate = world.narrations.narrate
        for page in (1, 2):
            await narrate(world.owner, document, NarrationOptions(pages=page_ranges((page,))))
        with pytest.raises(QuotaExceeded, match="2 narrations"):
            await narrate(world.owner, document, NarrationOptions(pages=page_ranges((3,))))
        await narrate(
            world.owner, document, NarrationOptions(pages=page_ranges((1,)))
        )  # is there already
        await narrate(world.owner, await world.hand_in(), NarrationOptions())
