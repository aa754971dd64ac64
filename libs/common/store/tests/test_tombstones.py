import pytest
from pydantic import BaseModel
from sqlalchemy import func, select

from libs.common.store.effects import apply
from libs.common.store.jobs import NewJob
from libs.common.store.tables import jobs
from libs.common.store.tombstones import are_deleted, tombstone, unless_deleted


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
