import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.errors import Conflict, Permanent
from libs.common.event_store import MAX_EVENT_BYTES, append, load, version_of
from libs.common.events import DocumentDeleted, DocumentRejected
from libs.common.tables import events


def rejected(document_id=None):
    return DocumentRejected(document_id=document_id or uuid4(), code="empty", reason="Nothing.")


async def test_what_was_appended_is_loaded_in_order(database):
    document_id = uuid4()
    first, second = rejected(document_id), rejected(document_id)
    async with database.transaction() as connection:
        await append(connection, [first], "00-aa-bb-01")
        await append(connection, [second])
    async with database.reading() as connection:
        found = await load(connection, [first.stream], DocumentRejected.topic)
        versions = (await connection.execute(select(events.c.version))).scalars().all()
    assert found == [first, second]
    assert found[0].event_id == first.event_id
    assert found[0].occurred_at == first.occurred_at
    assert versions == [1, 2]


async def test_streams_are_apart(database):
    one, other = rejected(), rejected()
    async with database.transaction() as connection:
        await append(connection, [one, other])
        assert await version_of(connection, one.stream) == 1
        assert await load(connection, [other.stream], DocumentRejected.topic) == [other]
        assert await load(connection, [other.stream], DocumentDeleted.topic) == []


async def test_a_stale_decision_is_refused(database):
    document_id = uuid4()
    async with database.transaction() as connection:
        await append(connection, [rejected(document_id)], expected=0)
    with pytest.raises(Conflict):
        async with database.transaction() as connection:
            await append(connection, [rejected(document_id)], expected=0)


async def test_concurrent_appends_never_share_a_version(database):
    document_id = uuid4()

    async def one():
        while True:
            try:
                async with database.transaction() as connection:
                    await append(connection, [rejected(document_id)])
                return
            except Conflict:
                await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(12)))
    async with database.reading() as connection:
        versions = (await connection.execute(select(events.c.version))).scalars().all()
    assert sorted(versions) == list(range(1, 13))


async def test_an_event_that_no_broker_takes_is_refused(database):
    def of_size(size):
        empty = DocumentRejected(document_id=uuid4(), code="empty", reason="")
        return empty.model_copy(update={"reason": "x" * (size - len(empty.encode()))})

    largest, larger = of_size(MAX_EVENT_BYTES), of_size(MAX_EVENT_BYTES + 1)
    async with database.transaction() as connection:
        await append(connection, [largest])
    with pytest.raises(Permanent, match=r"document\.rejected has 900001 bytes"):
        async with database.transaction() as connection:
            await append(connection, [rejected(), larger])
    async with database.reading() as connection:
        assert len((await connection.execute(select(events))).all()) == 1


async def test_a_rolled_back_event_never_happened(database):
    async def fail():
        async with database.transaction() as connection:
            await append(connection, [rejected()])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.reading() as connection:
        assert (await connection.execute(select(events))).all() == []
