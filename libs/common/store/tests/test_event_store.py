import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.errors import Conflict, Permanent
from libs.common.store.event_store import MAX_EVENT_BYTES, append, load, version_of
from libs.common.store.tables import events


def rejected(document_id=None):
    return DocumentRejected(
        document_id=document_id or uuid4(), owner_id=uuid4(), code="empty", details=None
    )


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
        assert await version_of(connection, other.stream) == 1
        assert await load(connection, [other.stream], DocumentRejected.topic) == [other]
        assert await load(connection, [other.stream], DocumentDeleted.topic) == []


@pytest.mark.parametrize("expected", [0, 2, 9])
async def test_a_decision_on_another_version_is_refused(database, expected):
    document_id = uuid4()
    async with database.transaction() as connection:
        await append(connection, [rejected(document_id)], expected=0)
    with pytest.raises(Conflict, match=f"document/{document_id}"):
        async with database.transaction() as connection:
            await append(connection, [rejected(document_id)], expected=expected)
    async with database.reading() as connection:
        assert await version_of(connection, f"document/{document_id}") == 1


async def test_several_events_of_one_decision_follow_its_version(database):
    document_id = uuid4()
    three = [rejected(document_id) for _ in range(3)]
    async with database.transaction() as connection:
        await append(connection, three[:1])
        await append(connection, three[1:], expected=1)
        assert await load(connection, [three[0].stream], DocumentRejected.topic) == three
        assert await version_of(connection, three[0].stream) == 3


async def test_a_decision_is_about_one_stream(database):
    async with database.transaction() as connection:
        with pytest.raises(ValueError, match="are of one stream"):
            await append(connection, [rejected(), rejected()], expected=0)
        await append(connection, [], expected=0)


async def test_of_those_that_decide_at_a_time_each_decides_on_its_own_version(database):
    """Each writes the version that it decided on; two of the same would be a lost decision."""
    document_id = uuid4()
    stream = DocumentRejected.stream_of(document_id=document_id)

    async def decide():
        while True:
            try:
                async with database.transaction() as connection:
                    seen = await version_of(connection, stream)
                    await asyncio.sleep(0)
                    decided = rejected(document_id).model_copy(update={"code": f"v{seen}"})
                    await append(connection, [decided], expected=seen)
                return
            except Conflict:
                await asyncio.sleep(0)

    await asyncio.gather(*(decide() for _ in range(24)))
    async with database.reading() as connection:
        found = await load(connection, [stream], DocumentRejected.topic)
    codes = [event.code for event in found if isinstance(event, DocumentRejected)]
    assert codes == [f"v{version}" for version in range(24)]


async def test_a_commit_between_the_decision_and_the_append_is_noticed(database):
    """Also by a statement whose snapshot is younger than the decision."""
    document_id = uuid4()
    async with database.querying() as connection:
        seen = await version_of(connection, f"document/{document_id}")
    async with database.transaction() as connection:
        await append(connection, [rejected(document_id)])
    with pytest.raises(Conflict):
        async with database.transaction() as connection:
            await append(connection, [rejected(document_id)], expected=seen)


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
        empty = rejected().model_copy(update={"code": ""})  # as no schema allows: it is unchecked
        return empty.model_copy(update={"code": "x" * (size - len(empty.encode()))})

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
