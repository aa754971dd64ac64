import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.common.database.engine import Database
from libs.common.database.exchange import MAX_PAYLOAD_CHARACTERS, NotificationExchange
from libs.common.database.wakeups import notify_after_commit

EVENTUALLY_S = 20.0


@asynccontextmanager
async def process(url):
    """What one process has: a database, and an exchange that works."""
    database = Database(url)
    exchange = NotificationExchange(database)
    async with exchange:
        async with asyncio.timeout(EVENTUALLY_S):
            while not exchange.works:
                await asyncio.sleep(0.02)
        yield database
    await database.close()


async def commit(database, *names, statement="SELECT 1"):
    async with database.transaction() as connection:
        for name in names:
            notify_after_commit(connection, name)
        await connection.execute(text(statement))


async def heard(wakeup):
    async with asyncio.timeout(EVENTUALLY_S):
        while not wakeup.notified:
            await asyncio.sleep(0.02)
    return True


async def test_what_one_process_commits_wakes_another(postgres_database):
    async with process(postgres_database) as here, process(postgres_database) as there:
        wakeup, other = there.wakeups.lend("document/1"), there.wakeups.lend("document/2")
        await commit(here, "document/1")
        assert await heard(wakeup)
        assert not other.notified


async def test_what_was_rolled_back_wakes_nobody(postgres_database):
    async with process(postgres_database) as here, process(postgres_database) as there:
        gone, kept = there.wakeups.lend("gone"), there.wakeups.lend("kept")
        with pytest.raises(DBAPIError):
            await commit(here, "gone", statement="SELECT 1 / 0")
        await commit(here, "kept")
        assert await heard(kept)
        assert not gone.notified


async def test_a_process_does_not_hear_itself_twice(postgres_database):
    async with process(postgres_database) as here, process(postgres_database) as there:
        mine, last = here.wakeups.lend("outbox"), there.wakeups.lend("outbox")
        await commit(here, "outbox")
        assert await heard(last)
        assert mine.notified == 1


async def test_many_names_take_several_notifications(postgres_database):
    names = [f"document/{number:032}" for number in range(MAX_PAYLOAD_CHARACTERS // 32 * 2)]
    async with process(postgres_database) as here, process(postgres_database) as there:
        wakeups = [there.wakeups.lend(name) for name in names]
        await commit(here, *names)
        for wakeup in wakeups:
            assert await heard(wakeup)


async def test_a_lost_connection_is_made_again(postgres_database):
    async with process(postgres_database) as here, process(postgres_database) as there:
        async with here.querying() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE '%pg_notify%'"
                    " AND pid <> pg_backend_pid()"
                )
            )
        wakeup = there.wakeups.lend("outbox")
        async with asyncio.timeout(EVENTUALLY_S):
            while not wakeup.notified:
                await commit(here, "outbox")
                await asyncio.sleep(0.1)


async def test_on_sqlite_there_is_nobody_to_tell(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with NotificationExchange(database) as exchange:
        wakeup = database.wakeups.lend("outbox")
        await commit(database, "outbox")
        assert wakeup.notified == 1
        assert not exchange.works
    await database.close()


async def test_behind_a_pooler_nothing_is_listened_for(postgres_database):
    database = Database(postgres_database, pooler=True)
    async with NotificationExchange(database) as exchange:
        assert database.wakeups.told is None
        assert not exchange.works
    await database.close()
