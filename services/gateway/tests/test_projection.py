"""The read models don't depend on how topics interleave, nor on repeated delivery."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from libs.common.contracts.accounts import AccountMailRequested, UserEvent
from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookFailed,
    AudiobookReady,
    AudiobookRequested,
    AudioDeleted,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    Rendition,
    VoiceInfo,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event
from libs.common.contracts.catalog import events_below, every_event
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    DocumentRenamed,
    DocumentReordered,
    DocumentRetried,
    DocumentSubmitted,
    PageAdded,
    PageEdited,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import (
    NarrationCanceled,
    NarrationCompleted,
    NarrationFailed,
    NarrationRequested,
)
from libs.common.contracts.pages import PageRange
from libs.common.contracts.sharing import (
    ListenLinkEnded,
    ListenLinkMade,
    ShareChanged,
    ShareClaimed,
    ShareEnded,
    ShareGranted,
    ShareMailRequested,
)
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.store.effects import apply
from libs.common.store.inbox import first_deliveries
from libs.common.store.tables import core, inbox
from libs.common.testing.records import arrival
from services.gateway.features import FEATURES
from services.gateway.tables import READ_MODELS, metadata
from services.gateway.tests.world import reference

ROOT = UUID(int=1)
OWNER = UUID(int=2)
START = datetime(2026, 1, 1, tzinfo=UTC)


def name(*parts):
    return uuid5(ROOT, "/".join(map(str, parts)))


def story(draw, number):
    """Every kind of event about one document; those of one topic in the order they are in here."""
    document = name("document", number)
    about = {"document_id": document, "owner_id": OWNER}
    yield DocumentSubmitted(**about, source_kind="url", details=reference("submitted"))
    pages = draw(st.integers(1, 3))
    for page in range(1, pages + 1):
        yield PageExtracted(
            **about, page=page, text=reference(f"t{page}"), markdown_characters=page, language="und"
        )
        yield from texts(draw, about, page)
        if draw(st.booleans()):
            service = draw(st.sampled_from(["segmenter", "synth"]))
            yield failed(about, name("task", number, page), service, page)
        if draw(st.booleans()):
            yield lost(about, f"page/{document}/{page}", kind="page.segmented", page=page)
        yield from sound(draw, about, number, page)
    for details in ("first", "second"):
        yield DocumentParsed(
            **about,
            page_count=pages,
            markdown_characters=9,
            details=reference(details),
            chapter_count=0,
            language="und",
            media_type="application/octet-stream",
        )
    for attempt in range(1, draw(st.integers(1, 4))):
        yield DocumentRejected(**about, code="bad", details=reference("bad"), attempt=attempt)
        yield DocumentRetried(
            **about,
            attempt=attempt + 1,
            source_kind="url",
            details=reference("submitted"),
            retried_by=OWNER,
        )
    added = about | {"text": reference("added"), "markdown_characters": 3, "language": "en"}
    for page in range(pages + 1, pages + 1 + draw(st.integers(0, 2))):
        yield PageAdded(**added, page=page, added_by=OWNER)
    for revision in draw(st.permutations([1, 2])):
        order = (PageRange(first=revision, last=revision + 1),)
        yield DocumentReordered(**about, revision=revision, order=order, reordered_by=OWNER)
    for revision in draw(st.permutations([1, 2])):
        title = reference(f"title{revision}")
        yield DocumentRenamed(**about, revision=revision, details=title, renamed_by=OWNER)
    for service in draw(st.permutations(["gateway", "synth"]))[: draw(st.integers(0, 2))]:
        yield lost(about, f"document/{document}", kind="document.parsed", service=service)
    if draw(st.booleans()):
        yield DocumentDeleted(**about, deleted_by=OWNER)
    yield from shares(draw, about, number)
    yield from book(draw, about, number)


def shares(draw, about, number):
    one = about | {"share_id": name("share", number)}
    yield ShareGranted(
        **one,
        granted_by=OWNER,
        recipient_id=None,
        level="view_only",
        expires_at=START,
        details=reference("share"),
    )
    if draw(st.booleans()):
        yield ShareClaimed(**one, recipient_id=name("recipient", number))
    for level in ("collaborator", "can_share")[: draw(st.integers(0, 2))]:
        yield ShareChanged(**one, changed_by=OWNER, level=level, expires_at=None)
    if draw(st.booleans()):
        yield ShareEnded(**one, reason="revoked", ended_by=OWNER)
    link = about | {"link_id": name("link", number)}
    yield ListenLinkMade(**link, made_by=OWNER, expires_at=START)
    if draw(st.booleans()):
        yield ListenLinkEnded(**link, reason="revoked", ended_by=OWNER)


def texts(draw, about, page):
    edits = draw(st.integers(0, 3))
    for revision in range(1, edits + 1):
        yield PageEdited(
            **about,
            page=page,
            revision=revision,
            text=reference(f"t{page}.{revision}"),
            language="en",
            edited_by=OWNER,
            markdown_characters=0,
        )
    for revision in draw(st.permutations(range(edits + 1))):
        yield PageSegmented(
            **about,
            page=page,
            revision=revision,
            segmented_page=reference(f"s{page}.{revision}"),
            utterance_count=revision + 1,
            characters=10 * revision,
            language="und",
        )


def failed(about, task_id, service, page):
    return TaskFailed(
        **about,
        task_id=task_id,
        service=service,
        kind="page.extracted",
        code="c",
        page=page,
        attempts=1,
        fingerprint="0" * 16,
        requested_by=None,
        about_stream=None,
        details=None,
    )


def sound(draw, about, number, page):
    identity = about | {"audio_id": name("audio", number, page)}
    audio = identity | {"requested_by": OWNER, "page": page}
    yield AudioRequested(
        **audio,
        segmented_page=reference("s"),
        characters=1,
        engine="e",
        voice="v",
        revision=0,
        rate=1.0,
        formats=("m4a",),
    )
    for done in draw(st.permutations(range(4))):
        yield AudioProgressed(**audio, done=done, total=3)
    if draw(st.booleans()):
        yield AudioFailed(**audio, code="c", details=reference("why"))
    for service in draw(st.permutations(["gateway", "synth"]))[: draw(st.integers(0, 2))]:
        yield lost(about, f"audio/{identity['audio_id']}", kind="audio.requested", service=service)
    if draw(st.booleans()):
        yield AudioReady(
            **audio,
            engine="e",
            voice="v",
            renditions=(Rendition(format="m4a", object=reference("a")),),
            timings=reference("t"),
            captions=reference("c"),
            duration_ms=7,
            characters_asked=1,
            characters_spoken=1,
            revision=0,
            rate=1.0,
            segments_cached=0,
            loudness_lufs=None,
            characters_cached=0,
        )
    if draw(st.booleans()):
        yield AudioDeleted(**identity, deleted_by=OWNER)


def book(draw, about, number):
    narration = name("narration", number)
    mine = about | {"narration_id": narration, "requested_by": OWNER}
    yield NarrationRequested(
        **mine, engine="e", voice="v", audiobook="m4b", pages=None, rate=1.0, formats=("m4a",)
    )
    bound = mine | {"audiobook_id": name("book", number)}
    yield AudiobookRequested(**bound, format="m4b", page_count=1, details=reference("contents"))
    if draw(st.booleans()):
        yield AudiobookFailed(**bound, code="c", details=None)
    for service in draw(st.permutations(["gateway", "synth"]))[: draw(st.integers(0, 2))]:
        yield lost(
            about, f"audiobook/{bound['audiobook_id']}", kind="audiobook.ready", service=service
        )
    if draw(st.booleans()):
        yield AudiobookReady(
            **bound,
            format="m4b",
            object=reference("b"),
            details=reference("contents"),
            duration_ms=1,
            chapter_count=1,
            loudness_lufs=None,
        )
    if draw(st.booleans()):
        book = about | {"audiobook_id": bound["audiobook_id"]}
        yield AudiobookDeleted(**book, deleted_by=OWNER)
    counts = {"pages_total": 1, "pages_silent": 0, "pages_missing": 0}
    ends = draw(st.sampled_from(["completed", "failed", "canceled"]))
    if ends == "canceled":
        yield NarrationCanceled(**mine, **counts, pages_ready=0, missing=(), canceled_by=OWNER)
    elif ends == "completed":
        yield NarrationCompleted(
            **mine, **counts, pages_ready=1, duration_ms=7, missing=(), audiobook_id=None
        )
    else:
        yield NarrationFailed(**mine, **counts, pages_ready=0, code="c", missing=())


def lost(about, stream, kind, service="gateway", page=None):
    """What becomes known of an event that a service could not read."""
    return TaskFailed(
        **about,
        page=page,
        task_id=name("lost", stream, kind, service),
        service=service,
        kind=kind,
        about_stream=stream,
        code=f"malformed_in_{service}",
        details=reference(service),
        attempts=1,
        fingerprint="0" * 16,
        requested_by=None,
    )


def engines():
    for voice in ("first", "second"):
        yield VoicesAnnounced(
            engine="e",
            voices=(VoiceInfo(id=voice, name=voice, language="en", gender=None),),
            default_voice=voice,
            is_default_engine=False,
        )


@st.composite
def histories(draw):
    """Events in one order, and the same in another that keeps the order of each producer's.

    That is the order of a topic and key, except of ``task.failed``, which all services send.
    """
    told = [*engines(), *story(draw, 1), *story(draw, 2)]
    told = [
        event.model_copy(update={"occurred_at": START + timedelta(seconds=number)})
        for number, event in enumerate(told)
    ]
    queues: dict[tuple[str, str, str], list[Event]] = {}
    for event in told:
        producer = event.service if isinstance(event, TaskFailed) else event.producer
        queues.setdefault((event.topic, event.key, producer), []).append(event)
    waiting = [list(queue) for queue in queues.values()]
    delivered: list[Event] = []
    while waiting:
        queue = draw(st.sampled_from(waiting))
        delivered.append(queue.pop(0))
        waiting = [queue for queue in waiting if queue]
        if draw(st.integers(0, 4)) == 0:
            delivered.append(draw(st.sampled_from(delivered)))
    return told, delivered


def folded(event):
    """What all features write of an event."""
    folds = [feature.folds[type(event)] for feature in FEATURES if type(event) in feature.folds]
    return [write for fold in folds for write in fold(event)]


async def rows_after(database, happened):
    async with database.transaction() as connection:
        for table in (*READ_MODELS, inbox):
            await connection.execute(delete(table))
        for event in happened:
            if await first_deliveries(connection, "gateway", [arrival(event)]):
                await apply(connection, folded(event), None)
        return {
            table.name: sorted(
                (tuple(map(repr, row)) for row in await connection.execute(select(table))),
            )
            for table in READ_MODELS
        }


@pytest.mark.slow
def test_the_order_of_topics_does_not_matter(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")

    async def create():
        async with database.transaction() as connection:
            await connection.run_sync(core.create_all)
            await connection.run_sync(metadata.create_all)

    with asyncio.Runner() as runner:
        runner.run(create())

        @settings(
            max_examples=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(histories())
        def confluent(history):
            told, delivered = history
            expected = runner.run(rows_after(database, told))
            assert runner.run(rows_after(database, delivered)) == expected
            assert all(expected.values())

        confluent()
        runner.run(database.close())


ABOUT = {"document_id": ROOT, "owner_id": OWNER}
BOOK = ABOUT | {"audiobook_id": ROOT, "narration_id": ROOT, "requested_by": OWNER}
AUDIO = ABOUT | {"audio_id": ROOT, "page": 1, "requested_by": OWNER}
FAILURES = {
    "page": lost(ABOUT, "page/x/1", kind="page.segmented", page=1),
    "document": lost(ABOUT, f"document/{ROOT}", kind="document.parsed"),
    "audio given up": lost(ABOUT, f"audio/{ROOT}", kind="audio.requested"),
    "audiobook given up": lost(ABOUT, f"audiobook/{ROOT}", kind="audiobook.requested"),
    "audio": AudioFailed(**AUDIO, code="c", details=reference("gateway")),
    "audiobook": AudiobookFailed(**BOOK, code="c", details=reference("gateway")),
}


@pytest.mark.parametrize("what", FAILURES)
async def test_of_two_failures_the_later_one_is_told_in_whatever_order_they_come(tmp_path, what):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with database.transaction() as connection:
        await connection.run_sync(core.create_all)
        await connection.run_sync(metadata.create_all)
    first, second = [
        FAILURES[what].model_copy(
            update={
                "event_id": name("failure", number),
                "occurred_at": START + timedelta(seconds=number),
                "code": f"code_{number}",
                "details": reference(f"why{number}"),
            }
        )
        for number in (1, 2)
    ]
    told = await rows_after(database, [first, second])
    assert "code_2" in str(told)
    assert await rows_after(database, [second, first]) == told
    await database.close()


def test_every_event_that_the_gateway_decides_is_folded():
    decided = {event for event in every_event() if event.producer == "gateway"}
    decided -= {
        AccountMailRequested,
        ShareMailRequested,
        *events_below(UserEvent),
    }  # of ordinary tables
    assert decided <= {event for feature in FEATURES for event in feature.folds}


def test_failures_of_other_services_have_events_of_their_own():
    failure = TaskFailed(
        task_id=ROOT,
        service="synth",
        kind="speak",
        document_id=ROOT,
        page=1,
        code="c",
        attempts=1,
        fingerprint="0" * 16,
        owner_id=None,
        requested_by=None,
        about_stream=None,
        details=None,
    )
    assert folded(failure) == []
