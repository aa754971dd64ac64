import gc

import pytest

from libs.common.database import transaction_memory
from libs.common.database.engine import Database
from libs.common.database.transaction_memory import remembered


@pytest.fixture
async def database(database_url):
    """Either kind of database, with one connection for all."""
    database = Database(database_url, pool_size=1)
    yield database
    await database.close()


async def test_a_transaction_remembers_until_it_ends(database):
    async with database.transaction() as connection:
        remembered(connection, "owners")["a"] = 1
        assert remembered(connection, "owners") == {"a": 1}
        assert remembered(connection, "locks") == {}
    async with database.transaction() as connection:
        assert remembered(connection, "owners") == {}


async def test_what_was_rolled_back_is_forgotten(database):
    async def fail():
        async with database.transaction() as connection:
            remembered(connection, "locks")["a"] = 1
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.transaction() as connection:
        assert remembered(connection, "locks") == {}


async def test_a_savepoint_remembers_by_itself(database):
    async with database.transaction() as connection:
        remembered(connection, "locks")["a"] = 1
        async with connection.begin_nested():
            assert remembered(connection, "locks") == {}
            remembered(connection, "locks")["b"] = 1
        assert remembered(connection, "locks") == {"a": 1}


async def test_nothing_is_kept_once_a_transaction_has_ended(database):
    async with database.transaction() as connection:
        remembered(connection, "owners")["a"] = 1
    del connection
    gc.collect()
    assert not transaction_memory._MEMORIES


async def test_without_a_transaction_nothing_is_remembered(database):
    async with database.engine.connect() as connection:
        remembered(connection, "owners")["a"] = 1
        assert remembered(connection, "owners") == {}
