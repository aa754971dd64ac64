"""What bounds a connection, directly and behind PgBouncer."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select, text, update

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.testing.proxies.pgbouncer import SESSIONS

EVENTUALLY_S = 20.0
SHORT = DatabaseLimits(lock_s=0.2, statement_s=0.6, idle_s=0.6, answer_s=1.5)

own = MetaData()
marks = Table(
    "marks", own, Column("number", Integer, primary_key=True), Column("said", Text, unique=True)
)


@pytest.fixture(params=["directly", "pooled"])
def opened(request):
    """An empty database with short limits."""
    pooler = request.param == "pooled"
    url = request.getfixturevalue("pgbouncer_database" if pooler else "postgres_database")
    return Database(url, limits=SHORT, pooler=pooler)


@pytest.fixture
async def database(opened):
    """One row."""
    database = opened
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        await connection.execute(insert(marks).values(number=1))
    yield database
    await database.close()


async def lock(connection):
    await connection.execute(update(marks).values(number=1))


async def shown(connection):
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    return [await connection.scalar(text(f"SHOW {name}")) for name in names]


async def test_every_way_to_the_database_has_limits(database):
    for way in (database.transaction, database.reading, database.querying):
        async with way() as connection:
            assert await shown(connection) == ["200ms", "600ms", "600ms"]
    async with database.maintenance() as connection:
        assert await shown(connection) == ["0", "0", "600ms"]


async def test_a_lock_is_not_waited_for_for_ever(database):
    async with database.transaction() as connection:
        await lock(connection)
        with pytest.raises(Unavailable, match="55P03"):
            async with database.transaction() as other:
                await lock(other)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["transaction", "querying"])
async def test_a_statement_does_not_take_for_ever(database, way):
    with pytest.raises(Unavailable, match="57014"):
        async with getattr(database, way)() as connection:
            await connection.execute(text("SELECT pg_sleep(5)"))


@pytest.mark.slow
async def test_maintenance_takes_as_long_as_it_takes(database):
    async with database.maintenance() as connection:
        await connection.execute(text(f"SELECT pg_sleep({2 * SHORT.answer_s})"))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["transaction", "maintenance"])
async def test_whoever_froze_in_a_transaction_loses_its_locks(database, way):
    async def freeze():
        async with getattr(database, way)() as frozen:
            await lock(frozen)
            await lock_soon()
            await lock(frozen)

    async def lock_soon():
        async with asyncio.timeout(EVENTUALLY_S):
            while True:
                with suppress(Unavailable):
                    async with database.transaction() as connection:
                        await lock(connection)
                        return

    with pytest.raises(Unavailable):
        await freeze()
    await database.check()


@pytest.mark.slow
async def test_transactions_change_between_the_sessions_of_a_pooler(pgbouncer_database):
    database = Database(pgbouncer_database, limits=SHORT, pooler=True)
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
    numbers = range(20 * SESSIONS)

    async def work(number):
        row = {"number": number, "said": "much"[: number % 4] + str(number)}
        async with database.transaction() as connection:
            await connection.execute(insert(marks), [row])
        found = await database.fetch(select(marks).where(marks.c.number == number))
        assert [tuple(one) for one in found] == [(number, row["said"])]
        async with database.reading() as connection:
            level = await connection.scalar(text("SHOW transaction_isolation"))
            assert level == "repeatable read"

    await asyncio.gather(*(work(number) for number in numbers))
    assert len(await database.fetch(select(marks.c.number))) == len(numbers)
    await database.close()
