from uuid import uuid4

import pytest

from libs.common.contracts.documents import DocumentDeleted
from libs.common.store import resend
from libs.common.store.event_store import append
from libs.common.store.resend import (
    events_at,
    events_between,
    keep_settled,
    kept_sweep,
    last_place,
)


@pytest.fixture
async def stored(database):
    """Seven events."""
    deleted = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4()) for _ in range(7)
    ]
    async with database.transaction() as connection:
        await append(connection, deleted)
    return [str(event.event_id) for event in deleted]


async def test_what_is_between_two_places_comes_in_order(database, stored, monkeypatch):
    monkeypatch.setattr(resend, "MOST_ASKED", 3)
    async with database.reading() as connection:
        found = await events_between(connection, 1, 6)
        assert [event.event_id for event in found] == stored[1:4]
        assert {event.topic for event in found} == {DocumentDeleted.topic}
        assert [event.id for event in await events_between(connection, 4, 6)] == [5, 6]
        assert await events_between(connection, 7, 7) == []


async def test_what_is_at_some_places(database, stored):
    async with database.reading() as connection:
        found = await events_at(connection, [6, 2, 99])
    assert [event.event_id for event in found] == [stored[1], stored[5]]


async def test_the_newest_place(database, stored):
    async with database.reading() as connection:
        assert await last_place(connection) == 7


async def test_an_empty_store_has_no_place(database):
    async with database.reading() as connection:
        assert await last_place(connection) == 0


async def test_what_is_settled_is_kept_and_the_birth_stays(database):
    async with database.transaction() as connection:
        first = await kept_sweep(connection)
        assert (first.settled, first.consumers) == (0, "")
        await keep_settled(connection, 5, "them")
    async with database.transaction() as connection:
        found = await kept_sweep(connection)
    assert found == (first.born_ms, 5, "them")
