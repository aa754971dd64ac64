import asyncio
from itertools import permutations

import pytest
from sqlalchemy import event, text

from libs.common.database.advisory_locks import lock_all, lock_number
from libs.common.database.engine import Database

EVENTUALLY_S = 20.0


@pytest.fixture
async def database(database_url):
    """Either kind of database."""
    database = Database(database_url)
    yield database
    await database.close()


def test_a_number_is_one_of_64_bits():
    numbers = [lock_number(name) for name in ("a", "b", "")]
    assert len(set(numbers)) == 3
    assert all(-(2**63) <= number < 2**63 for number in numbers)


async def test_one_transaction_at_a_time_holds_a_name(database):
    inside = []

    async def hold(names):
        async with database.transaction() as connection:
            await lock_all(connection, names)
            inside.append(names)
            assert len(inside) == 1
            await asyncio.sleep(0.01)
            inside.remove(names)

    async with asyncio.timeout(EVENTUALLY_S):
        await asyncio.gather(*(hold(names) for names in permutations("abc")))


async def test_locks_end_with_their_transaction(postgres_database):
    database = Database(postgres_database, pool_size=1)
    held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    async with database.transaction() as connection:
        await lock_all(connection, ["a", "b", "a"])
        assert await connection.scalar(held) == 2
    async with database.transaction() as connection:
        await lock_all(connection, [])
        assert await connection.scalar(held) == 0
    await database.close()


async def test_a_lock_that_is_held_is_not_asked_for_again(postgres_database):
    database = Database(postgres_database)
    asked = []
    event.listen(
        database.engine.sync_engine,
        "before_cursor_execute",
        lambda *call: asked.append(call[3]) if "advisory" in call[2] else None,
    )
    async with database.transaction() as connection:
        await lock_all(connection, ["a", "b"])
        await lock_all(connection, ["b"])
        await lock_all(connection, ["b", "c"])
    numbers = [sorted(map(lock_number, names)) for names in ("ab", "c")]
    assert [list(parameters[0]) for parameters in asked] == numbers
    await database.close()
