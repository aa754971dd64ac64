import asyncio
from uuid import uuid4

import pytest

from libs.common.contracts.documents import (
    DocumentParsed,
    DocumentRejected,
    DocumentRenamed,
    DocumentRetried,
    DocumentSubmitted,
)
from libs.common.contracts.narrations import NarrationFailed
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Rejected
from services.gateway.documents.upkeep.commands import UpkeepCommands
from services.gateway.kernel.errors import NotFound, NothingToRetry, Stale
from services.gateway.narrations.options import NarrationOptions


@pytest.fixture
def world(either_world):
    return either_world


@pytest.fixture
def upkeep(world):
    return UpkeepCommands(world.kernel)


async def title_of(world, document):
    return (await world.document_queries.document(world.owner, document)).title


async def test_the_last_title_holds_whatever_the_document_says_itself(world, upkeep):
    document = await world.hand_in()
    assert await upkeep.rename(world.owner, document, " Ελένη ", 0) == 1
    await world.parse(document, 1, title="Found in it")
    assert await title_of(world, document) == "Ελένη"
    assert await upkeep.rename(world.owner, document, "Another", 1) == 2
    assert await title_of(world, document) == "Another"


async def test_no_event_says_the_title(world, upkeep):
    document = await world.hand_in()
    await upkeep.rename(world.owner, document, "Something secret", 0)
    (renamed,) = await world.decided(DocumentRenamed)
    assert b"secret" not in renamed.encode()
    assert b"secret" in await world.storage.read(renamed.details.key)


async def test_of_two_who_rename_at_once_one_is_told(world, upkeep):
    document = await world.hand_in()
    names = ("One", "Two", "Three")
    done = await asyncio.gather(
        *(upkeep.rename(world.owner, document, name, 0) for name in names), return_exceptions=True
    )
    assert sorted(map(str, map(type, done))) == sorted(map(str, [int, Stale, Stale]))
    assert len(await world.decided(DocumentRenamed)) == 1
    kept = [key async for key in world.storage.keys(f"documents/{document}/title.")]
    assert len(kept) == 1, "the titles of those who were refused stay behind"


async def test_a_bad_title_stores_nothing(world, upkeep):
    document = await world.hand_in()
    with pytest.raises(Rejected):
        await upkeep.rename(world.owner, document, "a\u202eb", 0)
    assert not [key async for key in world.storage.keys(f"documents/{document}/title.")]


async def test_strangers_rename_and_retry_nothing(world, upkeep):
    document = await world.hand_in()
    with pytest.raises(NotFound):
        await upkeep.rename(uuid4(), document, "Mine", 0)
    with pytest.raises(NotFound):
        await upkeep.retry_parsing(uuid4(), document)


async def state_of(world, document):
    return (await world.document_queries.document(world.owner, document)).state


async def test_a_rejected_document_is_read_again(world, upkeep):
    document = await world.hand_in()
    await world.reject(document)
    await upkeep.retry_parsing(world.owner, document)
    (retried,) = await world.decided(DocumentRetried)
    (submitted,) = await world.decided(DocumentSubmitted)
    assert (retried.attempt, retried.details) == (2, submitted.details)
    assert await state_of(world, document) == "submitted"
    await world.read(document, 2)
    assert await state_of(world, document) == "ready"


async def test_what_comes_late_of_an_earlier_attempt_does_not_count(world, upkeep):
    document = await world.hand_in()
    about = {"document_id": document, "owner_id": world.owner, "details": None}
    await world.take(DocumentRejected(**about, code="bad"))
    await upkeep.retry_parsing(world.owner, document)
    await world.take(DocumentRejected(**about, code="bad"))
    assert await state_of(world, document) == "submitted"
    await world.take(DocumentRejected(**about, code="worse", attempt=2))
    await world.take(DocumentRejected(**about, code="bad", attempt=1))
    view = await world.document_queries.document(world.owner, document)
    assert (view.state, view.failure.code, view.attempt) == ("rejected", "worse", 2)
    await upkeep.retry_parsing(world.owner, document)
    assert [event.attempt for event in await world.decided(DocumentRetried)] == [2, 3]


async def test_only_what_failed_is_read_again_and_only_once(world, upkeep):
    document = await world.hand_in()
    with pytest.raises(NothingToRetry, match="just being"):
        await upkeep.retry_parsing(world.owner, document)
    await world.reject(document)
    done = await asyncio.gather(
        *(upkeep.retry_parsing(world.owner, document) for _ in range(3)), return_exceptions=True
    )
    assert sorted(map(str, map(type, done))) == sorted(
        map(str, [type(None), NothingToRetry, NothingToRetry])
    )
    await world.read(document, 1)
    with pytest.raises(NothingToRetry, match="was read"):
        await upkeep.retry_parsing(world.owner, document)


async def test_a_document_that_was_given_up_is_read_again(world, upkeep):
    document = await world.hand_in()
    await world.take(
        TaskFailed(
            document_id=document,
            owner_id=world.owner,
            task_id=uuid4(),
            service="gateway",
            kind="document.submitted",
            code="refused",
            page=None,
            attempts=1,
            fingerprint="0" * 16,
            requested_by=None,
            about_stream=f"document/{document}",
            details=None,
        )
    )
    assert await state_of(world, document) == "rejected"
    await upkeep.retry_parsing(world.owner, document)
    assert await state_of(world, document) == "submitted"
    await world.read(document, 1)
    assert await state_of(world, document) == "ready"


async def test_who_ordered_audio_of_it_gets_it_after_all(world, upkeep):
    document = await world.hand_in()
    order = NarrationOptions(audiobook="m4b")
    narration = await world.narrations.narrate(world.owner, document, order)
    await world.reject(document)
    assert len(await world.decided(NarrationFailed)) == 1
    await upkeep.retry_parsing(world.owner, document)
    await world.read(document, 2)
    assert len(await world.decided(DocumentParsed)) == 0, "that is an event of ingest"
    await world.speak_everything()
    view = await world.narration_queries.narration(world.owner, narration)
    assert (view.pages_ready, view.pages_failed) == (2, 0)
