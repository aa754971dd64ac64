"""Which errors of PostgreSQL may pass, and which are ours."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.common.database import postgres_engine
from libs.common.database.engine import Database
from libs.common.errors import Unavailable

STARTING_UP, TOO_MANY_CLIENTS, DEADLOCK, LOCKED = "57P03", "53300", "40P01", "55P03"
DIVISION_BY_ZERO = "22012"


@pytest.fixture
async def postgres(postgres_database):
    database = Database(postgres_database)
    yield database
    await database.close()


async def raise_state(database: Database, state: str) -> None:
    block = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
    async with database.transaction() as connection:
        await connection.execute(text(block))


@pytest.mark.parametrize("state", [STARTING_UP, TOO_MANY_CLIENTS, DEADLOCK, LOCKED])
async def test_what_may_pass_is_unavailable(postgres, state):
    with pytest.raises(Unavailable, match=state):
        await raise_state(postgres, state)
    await postgres.check()


async def test_what_will_not_pass_is_left_as_it_is(postgres):
    with pytest.raises(DBAPIError):
        await raise_state(postgres, DIVISION_BY_ZERO)


async def test_a_session_that_was_ended_is_unavailable_once(postgres):
    ended = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(Unavailable):
        async with postgres.transaction() as connection:
            await connection.execute(text(ended))
    await postgres.check()


async def hold(database: Database, held: asyncio.Semaphore, done: asyncio.Event) -> None:
    async with database.reading():
        held.release()
        await done.wait()


async def test_a_pool_without_a_free_connection_is_unavailable(postgres_database):
    database = Database(postgres_database, pool_size=1)
    pool: Any = database.engine.pool
    pool._timeout = 0.1
    most = 1 + pool._max_overflow
    held, done = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(most):
            tasks.create_task(hold(database, held, done))
            await held.acquire()
        try:
            for use in (database.check, database.reading().__aenter__):
                with pytest.raises(Unavailable, match="did not answer"):
                    await use()
        finally:
            done.set()
    await database.check()
    await database.close()


@pytest.mark.slow
async def test_a_server_that_takes_a_connection_and_says_nothing_is_unavailable(monkeypatch):
    monkeypatch.setattr(postgres_engine, "CONNECT_TIMEOUT_S", 0.2)

    left = asyncio.Event()

    async def say_nothing(reader, writer):
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql+asyncpg://lectern:x@127.0.0.1:{port}/none?ssl=disable")
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable, match="TimeoutError"):
            await database.check()
        await left.wait()
    await database.close()
    server.close()
    await server.wait_closed()
