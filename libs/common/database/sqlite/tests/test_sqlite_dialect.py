import asyncio
import inspect
import sqlite3

import aiosqlite
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_connection, AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.database.sqlite import sqlite_dialect
from libs.common.database.sqlite.short_statements import FEW_ROWS, MOST_IN_A_ROW
from libs.common.database.sqlite.sqlite_dialect import BEGIN_TO_READ, BEGIN_TO_WRITE, DRIVER
from libs.common.database.sqlite.write_ahead_log import MOST_COMMITS

static = inspect.getattr_static
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


@pytest.fixture
async def connection(engine):
    async with engine.connect() as connection:
        await connection.execute(select(things))
        yield connection


@pytest.fixture
async def hops(connection, monkeypatch):
    """The calls that the thread of the connection gets."""
    hops = []
    driver = (await connection.get_raw_connection()).driver_connection
    put = driver._tx.put_nowait

    class Counting:
        def put_nowait(self, item):
            hops.append(item)
            put(item)

    monkeypatch.setattr(driver, "_tx", Counting())
    yield hops
    monkeypatch.undo()


async def test_a_statement_that_is_short_is_no_hop_and_any_other_is_one(connection, hops):
    await connection.execute(insert(things).values(name="a"))
    await connection.execute(select(things))
    assert len(hops) == 0
    await connection.execute(update(things).values(name="b"))
    assert len(hops) == 1
    await connection.execute(update(things).values(name="c").execution_options(**FEW_ROWS))
    assert len(hops) == 1
    assert (await connection.execute(select(things.c.name))).scalars().all() == ["c"]


async def begin_to_write(connection):
    driver = await connection.get_raw_connection()
    driver.dbapi_connection.begin_first = BEGIN_TO_WRITE


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_transaction_of_nothing_but_short_statements_is_no_hop(connection, hops, end):
    driver = await connection.get_raw_connection()
    driver.dbapi_connection.log.grew(long=False)  # the first one begins it
    await begin_to_write(connection)
    await connection.execute(insert(things).values(name="a"))
    assert driver.driver_connection.in_transaction
    await getattr(connection, end)()
    assert not driver.driver_connection.in_transaction
    assert len(hops) == 0
    expected = ["a"] if end == "commit" else []
    assert (await connection.execute(select(things.c.name))).scalars().all() == expected


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_long_transaction_ends_in_the_thread(connection, hops, end):
    await begin_to_write(connection)
    await connection.execute(update(things).values(name="b"))
    await getattr(connection, end)()
    assert len(hops) == 2


async def test_who_begins_to_write_while_another_process_does_waits_in_the_thread(
    connection, hops, tmp_path
):
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await begin_to_write(connection)
    waiting = asyncio.create_task(connection.execute(insert(things).values(name="late")))
    while not hops:
        await asyncio.sleep(0.001)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await waiting
    await connection.commit()
    assert (await connection.execute(select(things.c.name))).scalars().all() == ["late"]


async def test_the_log_is_moved_and_begun_anew_in_the_thread(connection, hops):
    driver = await connection.get_raw_connection()
    driver.dbapi_connection.log.moved(all_of_it=True)
    in_thread = []
    for _ in range(2 * MOST_COMMITS + 2):
        before = len(hops)
        await begin_to_write(connection)
        await connection.execute(insert(things).values(name="a"))
        await connection.commit()
        in_thread.append(len(hops) - before)
    few = MOST_COMMITS - 1
    assert in_thread == [1, *[0] * few, 1, 1, *[0] * few, 1]


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_transaction_that_only_reads_is_no_hop(connection, hops, end):
    driver = await connection.get_raw_connection()
    for _ in range(2 * MOST_COMMITS):
        driver.dbapi_connection.begin_first = BEGIN_TO_READ
        await connection.execute(select(things))
        assert driver.driver_connection.in_transaction
        await getattr(connection, end)()
        assert not driver.driver_connection.in_transaction
    assert len(hops) == 0


async def test_a_query_that_turns_out_to_be_long_is_one_hop_from_then_on(connection, hops):
    await connection.execute(insert(things), [{"name": str(n)} for n in range(300)])
    del hops[:]
    long = text("SELECT count(*) FROM things a, things b WHERE a.id > :least")
    for least, expected in ((0, 90_000), (299, 300)):
        assert await connection.scalar(long, {"least": least}) == expected
    assert len(hops) == 2


async def test_others_have_their_turn_between_many_short_statements(connection):
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(3 * MOST_IN_A_ROW + 1):
        await connection.execute(select(things))
    task.cancel()
    assert len(turns) >= 3


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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_nothing_is_executed_here_while_the_thread_is_at_it(connection):
    await connection.execute(insert(things), [{"name": str(n)} for n in range(300)])
    adapted = (await connection.get_raw_connection()).dbapi_connection
    long = "SELECT count(*) FROM things a, things b, things c"
    task = asyncio.create_task(adapted.execute_in_thread(sqlite3.Cursor.execute, long, ()))
    await asyncio.sleep(0)
    assert not adapted.may_execute_here()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not adapted.may_execute_here()
    while not adapted.may_execute_here():
        await asyncio.sleep(0.01)


def test_the_dialect_is_registered():
    assert sqlite_dialect.Dialect.driver == DRIVER.partition("+")[2]


# What follows names every private or undocumented part that the dialect overrides or relies on. If
# one of these tests fails after an upgrade, read what became of that name, mend the dialect, and
# raise the ranges of SQLAlchemy and aiosqlite in pyproject.toml (ADR 0018).


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (AsyncAdapt_aiosqlite_cursor.__init__, ["self", "adapt_connection"]),
        (AsyncAdapt_aiosqlite_cursor._execute_async, ["self", "operation", "parameters"]),
        (
            AsyncAdapt_aiosqlite_cursor._executemany_async,
            ["self", "operation", "seq_of_parameters"],
        ),
        (AsyncAdapt_aiosqlite_connection.__init__, ["self", "dbapi", "connection"]),
        (AsyncAdapt_aiosqlite_connection.rollback, ["self"]),
        (AsyncAdapt_aiosqlite_connection.commit, ["self"]),
        (AsyncAdapt_aiosqlite_dbapi.__init__, ["self", "aiosqlite", "sqlite"]),
        (AsyncAdapt_aiosqlite_dbapi.connect, ["self", "arg", "kw"]),
        (SQLiteDialect_aiosqlite.import_dbapi, []),
        (aiosqlite.Connection._execute, ["self", "fn", "args", "kwargs"]),
    ],
    ids=lambda part: getattr(part, "__qualname__", ""),
)
def test_what_is_overridden_or_called_takes_what_it_took(method, parameters):
    assert list(inspect.signature(method).parameters) == parameters


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (AsyncAdapt_dbapi_cursor.execute, "_execute_async"),
        (AsyncAdapt_dbapi_cursor.executemany, "_executemany_async"),
        (AsyncAdapt_dbapi_cursor.close, "_awaitable_cursor_close"),
        (AsyncAdapt_dbapi_cursor.close, "_soft_closed_memoized"),
        (AsyncAdapt_dbapi_cursor._async_soft_close, "_awaitable_cursor_close"),
        (static(AsyncAdapt_dbapi_cursor, "description").fget, "_soft_closed_memoized"),
        (static(AsyncAdapt_dbapi_cursor, "description").fget, "_cursor"),
        (static(AsyncAdapt_dbapi_cursor, "rowcount").fget, "_cursor"),
        (static(AsyncAdapt_dbapi_cursor, "lastrowid").fget, "_cursor"),
        (AsyncAdapt_dbapi_cursor.fetchone, "_rows"),
        (AsyncAdapt_dbapi_cursor.fetchmany, "_rows"),
        (AsyncAdapt_dbapi_cursor.fetchall, "_rows"),
        (AsyncAdapt_dbapi_cursor.__iter__, "_rows"),
        (AsyncAdapt_dbapi_connection.cursor, "_cursor_cls"),
        (AsyncAdapt_dbapi_connection.rollback, "_connection"),
        (AsyncAdapt_dbapi_connection.commit, "_connection"),
        (AsyncAdapt_dbapi_cursor._execute_async, "_execute_mutex"),
        (AsyncAdapt_aiosqlite_connection.rollback, "_connection"),
        (static(AsyncAdapt_aiosqlite_connection, "isolation_level").fset, "_tx"),
        (static(AsyncAdapt_aiosqlite_connection, "isolation_level").fset, "_conn"),
        (AsyncAdapt_aiosqlite_dbapi.connect, "_thread"),
        (SQLiteDialect_aiosqlite.get_driver_connection, "_connection"),
    ],
    ids=lambda part: getattr(part, "__qualname__", part),
)
def test_sqlalchemy_still_uses(caller, name):
    assert name in names_in(caller.__code__)


def names_in(code):
    inner = [part for part in code.co_consts if inspect.iscode(part)]
    return {*code.co_names, *(name for part in inner for name in names_in(part))}


def test_a_cursor_of_sqlalchemy_has_the_fields_that_ours_sets_and_no_other():
    assert sorted(AsyncAdapt_dbapi_cursor.__slots__) == [
        "_adapt_connection", "_connection", "_cursor", "_rows", "_soft_closed_memoized",
    ]  # fmt: skip
    assert AsyncAdapt_aiosqlite_cursor.__slots__ == ()


def test_the_defaults_that_are_overridden_are_there():
    assert AsyncAdapt_aiosqlite_cursor._awaitable_cursor_close is True
    assert AsyncAdapt_aiosqlite_connection._cursor_cls is AsyncAdapt_aiosqlite_cursor
    assert SQLiteDialect_aiosqlite.supports_statement_cache is True
    assert AsyncAdapt_aiosqlite_dbapi(aiosqlite, sqlite3).aiosqlite is aiosqlite


async def test_a_connection_of_aiosqlite_has():
    connection = aiosqlite.connect(":memory:")
    assert connection._thread.daemon is False
    assert connection._connection is None
    async with connection:
        assert connection._connection is connection._conn
        assert isinstance(connection._conn, sqlite3.Connection)
        assert await connection._execute(lambda *given: given, 1, 2) == (1, 2)
        assert callable(connection._tx.put_nowait)
    assert connection._connection is None
