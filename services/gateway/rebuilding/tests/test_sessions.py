from datetime import UTC, datetime

import pytest
from sqlalchemy import MetaData, Table, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from services.gateway.rebuilding import sessions
from services.gateway.rebuilding.sessions import (
    Session,
    Waiting,
    in_tables,
    named,
    writing_before,
)

THINGS = Table("things", MetaData())
PSQL = Session(
    pid=7,
    application="psql",
    role="ada",
    state="idle in transaction",
    since=datetime(2026, 1, 1, tzinfo=UTC),
    prepared=None,
)
UNKNOWN = Session(pid=None, application=None, role=None, state=None, since=None, prepared=None)
PREPARED = Session(pid=None, application=None, role=None, state=None, since=None, prepared="x")


def unheard(_):
    """Nobody listens."""


def test_sessions_are_named_as_far_as_they_are_known():
    psql = "session 7 of ada (psql), idle in transaction, in a transaction since 2026-01-01T00:00:0"
    assert str(PSQL).startswith(psql)
    assert str(UNKNOWN) == "session unknown of an unknown role, busy, in a transaction"
    assert str(PREPARED) == "prepared transaction 'x'"
    assert named([PSQL, PREPARED]) == f"{PSQL}; {PREPARED}"
    assert named([PSQL] * 7).endswith("; and 2 more")
    assert "does not name" in named([])


def test_waiting_is_told_now_and_then_and_ends(monkeypatch):
    now = 100.0
    monkeypatch.setattr(sessions, "monotonic", lambda: now)
    told: list[str] = []
    waiting = Waiting(told.append, 30)
    now = 104.0
    waiting.check([PSQL])
    assert told == []
    now = 106.0
    waiting.check([PSQL])
    waiting.check([PSQL])
    assert told == [f"waiting for 6 s for the end of {PSQL}"]
    now = 130.0
    with pytest.raises(Unavailable, match="waited 30 s for the end of session 7 of ada"):
        waiting.check([PSQL])


@pytest.fixture
async def database(postgres_database):
    """A database with a table."""
    database = Database(postgres_database)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE things (id int)"))
    yield database
    await database.close()


async def next_number(database):
    async with database.transaction() as connection:
        return await connection.scalar(text("SELECT pg_current_xact_id()::text::bigint"))


async def test_who_writes_is_found_and_who_began_later_is_not(database):
    async with database.transaction() as early, database.transaction() as late:
        await early.execute(text("SET LOCAL application_name = 'early'"))
        await early.execute(text("INSERT INTO things VALUES (1)"))
        number = await next_number(database)
        await late.execute(text("INSERT INTO things VALUES (2)"))
        async with database.querying() as connection:
            (found,) = await writing_before(connection, number)
    assert (found.application, found.role) == ("early", database.url.username)
    assert found.since is not None
    async with database.querying() as connection:
        assert await writing_before(connection, number) == []


async def test_who_writes_elsewhere_on_the_server_is_nobody_to_wait_for(database):
    elsewhere = create_async_engine(make_url(database.url).set(database="postgres"))
    async with elsewhere.connect() as other:
        await other.execute(text("SELECT pg_current_xact_id()"))
        number = await next_number(database)
        async with database.querying() as connection:
            assert await writing_before(connection, number) == []
    await elsewhere.dispose()


async def test_who_reads_a_table_is_found(database):
    async with database.querying() as connection:
        assert await in_tables(connection, [THINGS]) == []
        async with database.reading() as reader:
            await reader.execute(text("SELECT * FROM things"))
            (found,) = await in_tables(connection, [THINGS])
            assert found.state == "idle in transaction"
            assert await in_tables(connection, [Table("others", MetaData())]) == []
