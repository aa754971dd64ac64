from uuid import uuid4

import pytest
from sqlalchemy import update

from libs.common.contracts.accounts import UserDeleted
from libs.common.contracts.documents import DocumentDeleted
from libs.common.store.tables import jobs
from services.gateway.documents.leaving import departures

pytestmark = pytest.mark.slow


async def leave(world, user):
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(UserDeleted(user_id=user, deleted_by=user)))


async def test_all_documents_of_who_is_gone_are_deleted_some_at_a_time(world, monkeypatch):
    monkeypatch.setattr(departures, "AT_A_TIME", 2)
    mine = {await world.hand_in() for _ in range(5)}
    foreign = await world.hand_in(owner=uuid4())
    await leave(world, world.owner)
    deleted = await world.decided(DocumentDeleted)
    assert {event.document_id for event in deleted} == mine
    assert foreign not in mine
    assert len(deleted) == 5
    assert {event.deleted_by for event in deleted} == {world.owner}


async def test_what_was_handed_in_meanwhile_goes_with_the_sweep(world):
    await leave(world, world.owner)
    await world.work()
    late = await world.hand_in()
    assert await world.decided(DocumentDeleted) == []
    async with world.database.transaction() as connection:
        of_kind = jobs.c.kind == "delete_documents"
        await connection.execute(update(jobs).where(of_kind).values(run_at_ms=0))
    [deleted] = await world.decided(DocumentDeleted)
    assert deleted.document_id == late
