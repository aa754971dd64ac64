"""A gateway that lives: events happen to its tables, and its rows are compared."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select

from libs.common.contracts.audio import (
    AudioFailed,
    AudioProgressed,
    AudioReady,
    AudioRequested,
    Rendition,
    VoiceInfo,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentSubmitted,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import NarrationRequested
from libs.common.store.effects import apply
from libs.common.store.inbox import first_deliveries
from libs.common.testing.records import arrival
from services.gateway.features import FEATURES
from services.gateway.kernel.changes import changed
from services.gateway.kernel.record import consumed
from services.gateway.tables import READ_MODELS
from services.gateway.tests.test_projection import folded
from services.gateway.tests.world import reference

START = datetime(2026, 1, 1, tzinfo=UTC)


def is_own(event):
    """Whether it is folded when the gateway decides it, and not when it arrives."""
    return event.producer == "gateway" and type(event) not in consumed(FEATURES)


async def happen(connection, event):
    """Have the gateway decide an event, or handle it if it did not before."""
    if is_own(event):
        effects = [event]
    elif await first_deliveries(connection, "gateway", [arrival(event)], keep=True):
        effects = []
    else:
        return
    document_id = getattr(event, "document_id", None)
    told = [] if document_id is None else [changed(document_id)]
    await apply(connection, [*folded(event), *effects, *told], None)


async def happen_all(database, events):
    """Have events happen one after the other, own ones once."""
    own = set()
    for event in events:
        if event.event_id not in own:
            async with database.transaction() as connection:
                await happen(connection, event)
        if is_own(event):
            own.add(event.event_id)


async def rows_of(database, tables=READ_MODELS):
    """All rows of tables, by table."""
    return {
        table.name: sorted(tuple(map(repr, row)) for row in await database.fetch(select(table)))
        for table in tables
    }


async def lose(database, tables=READ_MODELS):
    """Lose all rows of tables."""
    async with database.transaction() as connection:
        for table in tables:
            await connection.execute(delete(table))


def document_story(number, pages=3, utterances=4, *, ends="ready"):
    """The events of one document; of one topic in their order."""
    about = {"document_id": uuid4(), "owner_id": uuid4()}
    by = about | {"requested_by": about["owner_id"]}
    told: list[Event] = [
        DocumentSubmitted(**about, source_kind="text", details=reference(f"d{number}"))
    ]
    told.append(
        NarrationRequested(
            **by,
            narration_id=uuid4(),
            engine="e",
            voice="v",
            pages=None,
            rate=1.0,
            formats=("m4a",),
            audiobook=None,
        )
    )
    for page in range(1, pages + 1):
        told += _page_story(about, by, page, utterances, ends)
    told.append(
        DocumentParsed(
            **about,
            page_count=pages,
            markdown_characters=9,
            details=reference("p"),
            chapter_count=0,
            language="und",
            media_type="application/octet-stream",
        )
    )
    if number % 5 == 4:
        told.append(DocumentDeleted(**about, deleted_by=about["owner_id"]))
    return told


def _page_story(about, by, page, utterances, ends):
    audio = by | {"audio_id": uuid4(), "page": page}
    segments = reference(f"s{page}")
    told: list[Event] = [
        PageExtracted(
            **about, page=page, text=reference(), markdown_characters=page, language="und"
        )
    ]
    told.append(
        PageSegmented(
            **about,
            page=page,
            segmented_page=segments,
            utterance_count=utterances,
            characters=9,
            revision=0,
            language="und",
        )
    )
    told.append(
        AudioRequested(
            **audio,
            segmented_page=segments,
            characters=9,
            engine="e",
            voice="v",
            revision=0,
            rate=1.0,
            formats=("m4a",),
        )
    )
    told += [
        AudioProgressed(**audio, done=done, total=utterances) for done in range(1, utterances + 1)
    ]
    told.append(_heard(audio) if ends == "ready" else AudioFailed(**audio, code="c", details=None))
    return told


def _heard(audio):
    return AudioReady(
        **audio,
        engine="e",
        voice="v",
        renditions=(Rendition(format="m4a", object=reference("a")),),
        timings=reference("t"),
        captions=reference("c"),
        duration_ms=7,
        characters_asked=9,
        characters_spoken=9,
        revision=0,
        rate=1.0,
        segments_cached=0,
        loudness_lufs=None,
        characters_cached=0,
    )


def life(documents, seed=1, **story):
    """Engines and documents, whose topics arrive in any order."""
    voice = VoiceInfo(id="v", name="v", language="en", gender=None)
    engine = VoicesAnnounced(
        engine="e", voices=(voice,), default_voice="v", is_default_engine=False
    )
    told = [engine, *(event for n in range(documents) for event in document_story(n, **story))]
    told = [
        event.model_copy(update={"occurred_at": START + timedelta(seconds=number)})
        for number, event in enumerate(told)
    ]
    order = random.Random(seed)
    return sorted(told, key=lambda event: event.occurred_at.timestamp() + order.uniform(0, 20))
