"""Which errors of PostgreSQL may pass, and which are ours."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.common.database import Database
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
