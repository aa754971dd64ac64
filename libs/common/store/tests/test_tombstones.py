from dataclasses import replace

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select

from libs.common.store.effects import apply
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.jobs.held_jobs import end
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import jobs
from libs.common.store.tombstones import (
    are_deleted,
    is_wanted,
    tombstone,
    unless_deleted,
    wanted_claims,
)


class Payload(BaseModel):
    pass


JOB = NewJob(kind="k", payload=Payload(), subject="s")


async def count(database):
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(jobs))


@pytest.mark.parametrize(("deleted", "is_done"), [("d", 0), ("d/a", 0), ("other", 1)])
async def test_work_about_what_was_deleted_is_not_begun(database, deleted, is_done):
    async with database.transaction() as connection:
        await apply(connection, [tombstone(deleted)], None)
    async with database.transaction() as connection:
        await apply(connection, [unless_deleted(JOB, "d", "d/a")], None)
    assert await count(database) == is_done


async def test_to_delete_twice_is_fine(database):
    for _ in range(2):
        async with database.transaction() as connection:
            await apply(connection, [tombstone("d")], None)
            assert await are_deleted(connection, "d")
            assert not await are_deleted(connection, "e")


@pytest.mark.parametrize(("deleted", "left"), [("d", ["e"]), ("d/a", ["d", "e"]), ("a", None)])
async def test_a_job_that_nobody_wants_is_not_claimed(database, deleted, left):
    left = left or ["d", "d/a", "e"]
    async with database.transaction() as connection:
        recorded = [replace(JOB, subject=subject) for subject in ("d", "d/a", "e")]
        await apply(connection, [*recorded, tombstone(deleted)], None)
        claimed = await claim(connection, SlotRequest(kind="k", free=3, share=3, most=3), 1000)
        wanted = await wanted_claims(connection, claimed)
        assert sorted(held.subject for held in wanted) == left
        for held in claimed:
            assert await is_wanted(connection, held) == (held.subject in left)
            assert await end(connection, held) == (held.subject in left)


async def test_nothing_is_asked_where_nothing_was_claimed(database):
    async with database.transaction() as connection:
        assert await wanted_claims(connection, []) == []
