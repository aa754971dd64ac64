"""States of a narration, reached through events."""

from uuid import uuid4

import pytest

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookRequested,
    AudioRequested,
)
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.pages import page_ranges
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import of_audiobook, reference


@pytest.fixture
def narrated(world):
    """Hand in, order, and return the document and a way to see the narration."""

    async def narrated(order=None):
        document = await world.hand_in()
        narration = await world.narrations.narrate(
            world.owner, document, order or NarrationOptions()
        )

        async def view():
            return await world.narration_queries.narration(world.owner, narration)

        return document, view

    return narrated


@pytest.mark.slow
async def test_counts_grow_while_the_document_is_read(world, narrated):
    document, view = await narrated()
    assert ((await view()).pages_total, (await view()).state) == (None, "working")
    await world.extract(document, 1)
    await world.cut(document, 1, characters=7)
    assert ((await view()).pages_total, (await view()).characters) == (None, 7)
    await world.speak_everything()
    now = await view()
    assert (now.pages_ready, now.duration_ms, now.state) == (1, 1500, "working")
    await world.extract(document, 2)
    await world.cut(document, 2, utterances=0, characters=0)
    await world.parse(document, 2)
    now = await view()
    assert (now.state, now.pages_total, now.pages_ready, now.pages_silent) == ("ready", 2, 1, 1)


@pytest.mark.slow
async def test_since_when_there_is_audio_is_told_by_the_page_that_was_ready_first(world, narrated):
    document, view = await narrated()
    await world.read(document, 2)
    assert (await view()).first_ready_at is None
    first, second = await world.decided(AudioRequested)
    await world.speak(second)
    since = (await view()).first_ready_at
    assert rfc3339(second.occurred_at) < since
    await world.speak(first)
    now = await view()
    assert (now.pages_ready, now.first_ready_at) == (2, since)


@pytest.mark.slow
async def test_chosen_pages_that_there_are_not_are_missing_and_never_ready(world, narrated):
    document, view = await narrated(NarrationOptions(pages=page_ranges((1, 2, 9))))
    assert (await view()).pages_total == 3
    await world.read(document, 2)
    read = await view()
    assert (read.pages_total, read.pages_failed, read.state) == (3, 1, "working")
    failures = world.narration_queries.failures
    (missing,) = (await failures(world.owner, read.narration_id, 10)).items
    assert (missing.page, missing.code) == (9, "no_such_page")
    await world.speak_everything()
    ended = await view()
    assert (ended.pages_ready, ended.pages_failed, ended.state) == (2, 1, "partial")
    assert (await failures(world.owner, read.narration_id, 10)).items == (missing,)
    assert not (await failures(world.owner, read.narration_id, 10, 9)).items


@pytest.mark.slow
async def test_a_failed_page_fails_the_narration_until_it_is_spoken_after_all(world, narrated):
    document, view = await narrated(NarrationOptions(audiobook="m4b"))
    await world.read(document, 2)
    first, second = await world.decided(AudioRequested)
    await world.speak(first)
    await world.fail(second)
    now = await view()
    assert (now.state, now.pages_ready) == ("partial", 1)
    failures = await world.narration_queries.failures(world.owner, now.narration_id, 9)
    assert [(failure.page, failure.reason) for failure in failures.items] == [(2, "It broke.")]
    assert (now.pages_failed, failures.following) == (1, None)
    assert (now.audiobook.state, now.audiobook.failure.code) == ("failed", "pages_missing")

    await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert (await view()).state == "working"
    await world.speak((await world.decided(AudioRequested))[-1])
    await world.work()
    now = await view()
    assert (now.state, now.audiobook.state) == ("working", "making")


@pytest.mark.slow
async def test_an_edit_makes_it_outdated(world, narrated):
    document, view = await narrated()
    await world.read(document, 2)
    await world.speak_everything()
    await world.documents.edit_page(world.owner, document, 2, "New", 0)
    for _ in range(2):
        now = await view()
        assert (now.state, now.pages_ready, now.pages_outdated) == ("outdated", 1, 1)
        await world.cut(document, 2, revision=1)


async def test_deleted_audio_makes_it_outdated(world, narrated):
    document, view = await narrated()
    await world.read(document, 1)
    await world.speak_everything()
    (asked,) = await world.decided(AudioRequested)
    await world.audio.delete(world.owner, asked.audio_id)
    assert (await view()).state == "outdated"


async def test_a_rejected_document_fails_it(world, narrated):
    document, view = await narrated(NarrationOptions(audiobook="m4b"))
    await world.reject(document)
    now = await view()
    assert (now.state, now.failure.reason) == ("failed", "It is bad.")
    assert now.audiobook.failure.code == "bad"


async def test_nothing_to_speak_fails_it(world, narrated):
    document, view = await narrated(NarrationOptions(audiobook="m4b"))
    await world.extract(document, 1)
    await world.cut(document, 1, utterances=0, characters=0)
    await world.parse(document, 1)
    now = await view()
    assert (now.state, now.failure.code) == ("failed", "nothing_to_speak")


async def test_the_audiobook_decides_the_end(world, narrated):
    document, view = await narrated(NarrationOptions(audiobook="m4b"))
    await world.read(document, 1)
    await world.speak_everything()
    assert (await view()).state == "working"
    (asked,) = await world.decided(AudiobookRequested)
    details = await world.say(document, FailureDetails(reason="It broke."))
    await world.take(AudiobookFailed(**of_audiobook(asked), code="broke", details=details))
    now = await view()
    assert (now.state, now.audiobook.failure.reason) == ("partial", "It broke.")
    await world.bind(asked)
    now = await view()
    assert (now.state, now.audiobook.object, now.audiobook.failure) == ("ready", reference(), None)


@pytest.mark.slow
async def test_audio_of_another_sound_does_not_count(world, narrated):
    document, view = await narrated(NarrationOptions(voice="de"))
    await world.read(document, 1)
    (asked,) = await world.decided(AudioRequested)
    assert asked.voice == "de"
    await world.narrations.narrate(world.owner, document, NarrationOptions(voice="en"))
    await world.speak((await world.decided(AudioRequested))[-1])
    assert (await view()).pages_ready == 0


@pytest.mark.slow
async def test_page_audios_are_those_of_the_narration(world):
    document = await world.hand_in()
    await world.read(document, 3)
    order = NarrationOptions(pages=page_ranges((1, 3)))
    narration = await world.narrations.narrate(world.owner, document, order)
    await world.narrations.narrate(world.owner, document, NarrationOptions(pages=page_ranges((2,))))
    await world.speak_everything()
    audios = await world.narration_queries.page_audios(world.owner, narration)
    assert [audio.page for audio in audios] == [1, 3]
    assert all(audio.timings and audio.captions and audio.renditions for audio in audios)
    with pytest.raises(NotFound):
        await world.narration_queries.page_audios(uuid4(), narration)
