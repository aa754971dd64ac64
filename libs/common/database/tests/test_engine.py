import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from libs.common.database.engine import Database
from libs.common.database.sqlite.sqlite_dialect import BUSY_TIMEOUT_S
from libs.common.errors import Unavailable

own = MetaData()
marks = Table("marks", own, Column("number", Integer, primary_key=True))


@pytest.fixture
async def database(database_url):
    """An empty table, in either kind of database."""
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
    yield database
    await database.close()


@pytest.fixture
async def beside(database, database_url):
    """The same database as another process has it."""
    other = Database(database_url)
    yield other
    await other.close()


async def add(database, number):
    async with database.transaction() as connection:
        await connection.execute(insert(marks).values(number=number))


async def numbers(database):
    async with database.reading() as connection:
        found = await connection.execute(select(marks.c.number).order_by(marks.c.number))
        return list(found.scalars())


async def select_from_nowhere(database):
    async with database.reading() as connection:
        await connection.execute(text("SELECT 1 FROM nowhere"))


async def test_an_error_does_not_say_what_a_statement_was_given(database):
    async def fail():
        async with database.transaction() as connection:
            wrong = text("SELECT :said FROM nowhere")
            await connection.execute(wrong, {"said": "canary-in-a-parameter"})

    with pytest.raises(DBAPIError, match="nowhere") as caught:
        await fail()
    assert "canary" not in str(caught.value)


async def test_what_a_transaction_wrote_is_there_for_others(database, beside):
    await add(database, 1)
    assert await numbers(beside) == [1]


async def test_any_exception_rolls_back(database):
    async def fail():
        async with database.transaction() as connection:
            await connection.execute(insert(marks).values(number=1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await numbers(database) == []
    await add(database, 1)


async def test_cancelling_rolls_back_and_leaves_the_way_free(database):
    written = asyncio.Event()

    async def hang():
        async with database.transaction() as connection:
            await connection.execute(insert(marks).values(number=1))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add(database, 2)
    assert await numbers(database) == [2]


async def test_a_reader_is_not_held_up_by_a_writer_and_does_not_see_its_work(database):
    async with database.transaction() as connection:
        await connection.execute(insert(marks).values(number=1))
        assert await numbers(database) == []
    assert await numbers(database) == [1]


async def test_a_reader_keeps_its_snapshot_while_others_write(database):
    async with database.reading() as connection:
        before = (await connection.execute(select(marks))).all()
        await add(database, 1)
        after = (await connection.execute(select(marks))).all()
    assert before == after == []
    assert await numbers(database) == [1]


async def test_only_a_reader_has_the_isolation_of_a_snapshot(postgres_database):
    database = Database(postgres_database, pool_size=1)
    level = text("SHOW transaction_isolation")
    found = []
    for open_one in (database.transaction, database.reading) * 2:
        async with open_one() as connection:
            found.append(await connection.scalar(level))
    assert found == ["read committed", "repeatable read"] * 2
    async with database.querying() as connection:
        assert await connection.scalar(level) == "read committed"
    pool: Any = database.engine.pool
    assert pool.checkedin() == 1  # all on the same connection
    await database.close()


@pytest.mark.parametrize("processes", [1, 2])
async def test_writers_on_sqlite_come_one_after_another(tmp_path, processes):
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    writers = [Database(url) for _ in range(processes)]
    async with writers[0].transaction() as connection:
        await connection.run_sync(own.create_all)

    async def count_on(database):
        async with database.transaction() as connection:
            rows = (await connection.execute(select(marks))).all()
            await asyncio.sleep(0)  # somebody who began with BEGIN alone would read the same
            await connection.execute(insert(marks).values(number=len(rows)))

    await asyncio.gather(*(count_on(writers[n % processes]) for n in range(6)))
    assert await numbers(writers[0]) == list(range(6))
    for writer in writers:
        await writer.close()


async def test_checks_that_the_database_answers(database):
    await database.check()


async def test_a_server_that_does_not_answer_is_unavailable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        port = closed.getsockname()[1]
        database = Database(f"postgresql+asyncpg://lectern:x@127.0.0.1:{port}/none")
        with pytest.raises(Unavailable, match="did not answer"):
            await database.check()
        with pytest.raises(Unavailable, match="did not answer"):
            await add(database, 1)
        await database.close()


async def test_a_connection_that_the_server_ends_is_unavailable(postgres_database):
    database = Database(postgres_database, pool_size=1)

    async def end():
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable):
        await end()
    await database.check()
    await database.close()


async def test_wrong_sql_is_no_outage(database):
    with pytest.raises(DBAPIError, match="nowhere"):
        await select_from_nowhere(database)
    await database.check()


async def erased(database):
    """Write a row and delete it again."""
    await add(database, 7)
    async with database.transaction() as connection:
        await connection.execute(marks.delete())


def log_size(database):
    """How many bytes SQLite's write-ahead log has; on PostgreSQL there is none."""
    return Path(f"{database.url.database}-wal").stat().st_size if database.sqlite else 0


async def test_a_log_that_is_emptied_holds_nothing(database):
    await erased(database)
    assert bool(log_size(database)) == database.sqlite
    assert await database.empty_log()
    assert log_size(database) == 0
    await add(database, 1)
    assert await numbers(database) == [1]


async def test_a_log_that_somebody_reads_is_emptied_later(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    other = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
    await erased(database)
    for busy in (other.reading, other.transaction):
        async with busy() as connection:
            await connection.execute(select(marks))
            await erased(database) if busy == other.reading else None
            assert not await database.empty_log()
        assert await database.empty_log()
    async with database.querying() as connection:
        waits_ms = await connection.scalar(text("PRAGMA busy_timeout"))
    assert waits_ms == BUSY_TIMEOUT_S * 1000
    await database.close()
    await other.close()
