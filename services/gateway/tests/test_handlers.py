from uuid import uuid4

from sqlalchemy import func, select

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.documents import DocumentParsed, PageExtracted, PageSegmented
from libs.common.contracts.tasks import TaskFailed
from services.gateway.app import CONSUMES, PUBLISHES
from services.gateway.features import FEATURES
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.tables import page_requests
from services.gateway.tests.world import VOICES, a_world, reference


def too_odd(document, page):
    return TaskFailed(
        task_id=uuid4(),
        service="segmenter",
        kind="cut",
        document_id=document,
        page=page,
        code="too_odd",
        attempts=1,
        fingerprint="0" * 16,
        owner_id=None,
        requested_by=None,
        about_stream=None,
        details=None,
    )


async def test_an_event_that_comes_again_changes_nothing(world):
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.read(document, 1)
    (asked,) = await world.decided(AudioRequested)
    await world.speak(asked)
    before = await world.narration_queries.narrations(world.owner, document)
    await world.take(VOICES)
    assert await world.narration_queries.narrations(world.owner, document) == before


async def test_nobody_waits_for_a_page_that_cannot_be_cut(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.parse(document, 1)
    await world.take(too_odd(document, 1))
    async with world.database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(page_requests)) == 0
    view = await world.narration_queries.narration(world.owner, narration)
    assert view.state == "failed"
    failures = await world.narration_queries.failures(world.owner, narration, 9)
    assert view.pages_failed == 1
    assert [(failure.page, failure.code) for failure in failures.items] == [(1, "too_odd")]


async def test_an_older_text_that_cannot_be_cut_takes_nothing_from_the_new_one(world):
    document = await world.hand_in()
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.extract(document, 1)
    await world.parse(document, 1)
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    await world.take(too_odd(document, 1))
    await world.cut(document, 1, revision=1)
    (asked,) = await world.decided(AudioRequested)
    await world.speak(asked)
    view = await world.narration_queries.narration(world.owner, narration)
    assert (asked.revision, view.state) == (1, "ready")


async def test_a_page_that_waits_for_its_turn_is_not_forgotten(tmp_path):
    async with a_world(tmp_path, max_pages_in_flight_per_owner=1) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await world.read(document, 2)
        await world.narrations.narrate(world.owner, document, NarrationOptions())
        await world.take(too_odd(document, 2))
        await world.speak_everything()
        assert [event.page for event in await world.decided(AudioRequested)] == [1, 2]


async def test_an_edit_that_cannot_be_cut_failed(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.documents.edit_page(world.owner, document, 1, "New", 0)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    await world.take(too_odd(document, 1))
    view = await world.narration_queries.narration(world.owner, narration)
    assert view.state == "failed"
    await world.documents.edit_page(world.owner, document, 1, "Newer", 1)
    await world.cut(document, 1, revision=2)
    await world.speak_everything()
    view = await world.narration_queries.narration(world.owner, narration)
    assert view.state == "ready"


def test_what_is_consumed_is_of_other_services():
    assert {event for event in CONSUMES if event.producer == "gateway"} == set()
    known = {event for feature in FEATURES for event in {**feature.folds, **feature.reactions}}
    assert set(CONSUMES) == {event for event in known if event.producer != "gateway"}
    assert {event for event in PUBLISHES if event.producer not in {"gateway", "*"}} == set()


async def test_pages_that_arrive_together_are_requested_as_one_by_one(world):
    """Each page once, in the order of the pages, all of them in the trace that asked."""
    document = await world.hand_in()
    await world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    extracted, segmented = [], []
    for page in (1, 2, 3):
        about = {"document_id": document, "owner_id": world.owner, "page": page}
        extracted.append(
            PageExtracted(**about, text=reference("t"), markdown_characters=12, language="en")
        )
        segmented.append(
            PageSegmented(
                **about,
                segmented_page=reference("s"),
                utterance_count=2,
                characters=12,
                revision=0,
                language="und",
            )
        )
    parsed = DocumentParsed(
        document_id=document,
        owner_id=world.owner,
        page_count=3,
        markdown_characters=36,
        details=reference("gone"),
        chapter_count=0,
        language="und",
        media_type="application/octet-stream",
    )
    await world.take(*segmented[:2], *extracted, parsed, segmented[2], extracted[0])
    asked = await world.decided(AudioRequested)
    assert [event.page for event in asked] == [1, 2, 3]
    for event in asked:
        await world.speak(event)
    assert len(await world.decided(AudiobookRequested)) == 1
