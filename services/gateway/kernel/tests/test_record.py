from collections.abc import Mapping
from uuid import uuid4

import pytest
from sqlalchemy import Column, MetaData, String, Table, select

from libs.common.contracts.audio import VoicesAnnounced
from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.engine import Database
from libs.common.database.upsert import add_once
from libs.common.observability.metrics import Metrics
from libs.common.storage.memory import MemoryStorage
from libs.common.store.history import History
from libs.common.store.tables import core
from services.gateway.kernel.changes import Changes, changes_of
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.kernel.record import Feature, Kernel, Reaction, in_turn
from services.gateway.kernel.tables import metadata

notes = Table("notes", MetaData(), Column("text", String, primary_key=True))


def note(text):
    return add_once(notes, text=text)


LOWER = Feature(name="lower", folds={DocumentDeleted: lambda event: [note("folded below")]})
UPPER = Feature(
    name="upper",
    folds={DocumentDeleted: lambda event: [note("folded above")]},
    reactions={DocumentDeleted: lambda kernel, event: [seen]},
)


async def seen(connection):
    """A reaction sees what all folds wrote."""
    found = await connection.scalars(select(notes.c.text).order_by(notes.c.text))
    return [note(" and ".join(found))]


@pytest.fixture
async def kernel(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/kernel.db")
    async with database.transaction() as connection:
        for tables in (core, metadata, notes.metadata):
            await connection.run_sync(tables.create_all)
    yield Kernel(
        database=database,
        storage=MemoryStorage(),
        metrics=Metrics("gateway"),
        limits=GatewayLimits(
            max_upload_bytes=1,
            upload_timeout_seconds=1,
            max_page_bytes=1,
            max_unparsed_documents_per_owner=1,
            max_open_narrations_per_document=1,
            max_audios_per_page=1,
            max_pages_in_flight_per_owner=1,
            max_characters_per_owner_and_day=0,
            max_documents_per_owner=0,
            max_stored_bytes_per_owner=0,
            max_open_narrations_per_owner=0,
            narration_stalled_seconds=1.0,
            playback_link_seconds=60,
            max_streams_per_owner=1,
            max_streams=1,
            max_requests_per_owner=1,
            max_requests=1,
        ),
        changes=Changes(database, 1.0),
        features=(UPPER, LOWER),
    )
    await database.close()


async def written(kernel):
    return {row.text for row in await kernel.database.fetch(select(notes.c.text))}


async def test_an_event_is_appended_folded_reacted_to_and_counted(kernel):
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    with kernel.changes.watching(event.document_id) as wakeup:
        async with kernel.transaction() as command:
            await command.apply(kernel.record(event))
            assert not wakeup.pending
        assert wakeup.pending
    assert await History(kernel.database).of(event.stream, DocumentDeleted) == [event]
    folded = {"folded above", "folded below"}
    assert await written(kernel) == folded | {"folded above and folded below"}
    async with kernel.database.reading() as connection:
        assert await changes_of(connection, event.document_id) == 1
        assert await changes_of(connection, uuid4()) == 0


async def test_an_event_of_another_service_is_not_appended(kernel):
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    async with kernel.transaction() as command:
        await command.apply(kernel.project(event))
    assert await History(kernel.database).of(event.stream, DocumentDeleted) == []
    assert "folded below" in await written(kernel)


async def test_what_fails_never_happened(kernel):
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())

    async def fail():
        async with kernel.transaction() as command:
            await command.apply(kernel.record(event))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await written(kernel) == set()


async def test_only_what_was_committed_is_counted(kernel):
    counter = kernel.metrics.events_appended_total
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())

    async def decide(outcome):
        async with kernel.transaction() as command:
            await command.apply(kernel.record(event))
            if outcome is not None:
                raise outcome

    with pytest.raises(ZeroDivisionError):
        await decide(ZeroDivisionError())
    assert counter._value.get() == 0
    await decide(None)
    assert counter._value.get() == 1


async def test_an_event_that_nobody_follows_changes_nothing(kernel):
    announced = VoicesAnnounced(engine="e", voices=(), default_voice="v", is_default_engine=False)
    assert kernel.project(announced) == []


def test_parts_of_a_feature_may_react_to_the_same_event(kernel):
    def reacting(kind: type[Event], name: str) -> Mapping[type[Event], Reaction]:
        return {kind: lambda kernel, event: [note(name)]}

    parts = [reacting(DocumentDeleted, name) for name in "ab"]
    alone = reacting(VoicesAnnounced, "c")
    reactions = in_turn(*parts, alone)
    assert len(reactions[DocumentDeleted](kernel, None)) == 2
    assert len(reactions[VoicesAnnounced](kernel, None)) == 1
