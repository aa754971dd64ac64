import asyncio

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common import sqlite_dialect
from libs.common.sqlite_dialect import DRIVER

metadata = MetaData()
things = Table("things", metadata, Column("id", Integer, primary_key=True), Column("name", String))


@pytest.fixture
async def engine(tmp_path):
    engine = create_async_engine(f"{DRIVER}:///{tmp_path}/x.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


async def test_rows_counts_and_keys_come_back(engine):
    async with engine.begin() as connection:
        made = await connection.execute(insert(things).values(name="a"))
        assert made.inserted_primary_key == (1,)
        await connection.execute(insert(things), [{"name": "b"}, {"name": "c"}])
        changed = await connection.execute(update(things).values(name="x"))
        assert changed.rowcount == 3
        back = await connection.execute(
            update(things).where(things.c.id == 2).values(name="y").returning(things.c.name)
        )
        assert back.scalars().all() == ["y"]
        assert (await connection.execute(select(things.c.id).where(text("0")))).all() == []
    async with engine.connect() as connection:
        found = await connection.execute(select(things).order_by(things.c.id))
        assert [tuple(row) for row in found] == [(1, "x"), (2, "y"), (3, "x")]


async def test_a_statement_is_one_hop(engine, monkeypatch):
    hops = []
    async with engine.connect() as connection:
        await connection.execute(select(things))
        driver = (await connection.get_raw_connection()).driver_connection
        put = driver._tx.put_nowait

        class Counting:
            def put_nowait(self, item):
                hops.append(item)
                put(item)

        monkeypatch.setattr(driver, "_tx", Counting())
        await connection.execute(insert(things).values(name="a"))
        await connection.execute(select(things))
        assert len(hops) == 2
        monkeypatch.undo()


async def test_what_is_left_open_is_rolled_back(engine):
    async with engine.connect() as connection:
        await connection.execute(insert(things).values(name="lost"))
    async with engine.connect() as connection:
        assert (await connection.execute(select(things))).all() == []


async def test_errors_are_sqlalchemys(engine):
    async with engine.connect() as connection:
        await connection.execute(insert(things).values(id=1))
        with pytest.raises(IntegrityError):
            await connection.execute(insert(things).values(id=1))
        with pytest.raises(OperationalError):
            await connection.execute(text("SELECT * FROM nothing"))
        assert len((await connection.execute(select(things))).all()) == 1


async def test_a_cancelled_statement_harms_nobody(engine):
    async with engine.begin() as connection:
        await connection.execute(insert(things), [{"name": str(n)} for n in range(300)])

    async def slow():
        async with engine.connect() as connection:
            await connection.execute(text("SELECT count(*) FROM things a, things b, things c"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    async with engine.connect() as connection:
        assert len((await connection.execute(select(things))).all()) == 300
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_dialect_is_registered():
    assert sqlite_dialect.Dialect.driver == DRIVER.partition("+")[2]
