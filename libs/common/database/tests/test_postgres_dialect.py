"""A server that says nothing, and errors that say too much."""

import asyncio
import socket
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.engine import Database
from libs.common.database.postgres_engine import CONNECT_TIMEOUT_S, FREE_CONNECTION_TIMEOUT_S
from libs.common.database.tests.test_postgres_engine import marks, own
from libs.common.errors import Unavailable

SHORT = DatabaseLimits(answer_s=0.4)
AT_MOST_S = 6.0


@pytest.fixture
async def database(wire, postgres_database):
    """A database at the other end of a wire."""
    url = make_url(postgres_database).set(host="127.0.0.1", port=wire.port)
    database = Database(url.render_as_string(hide_password=False), 1, limits=SHORT)
    await database.check()
    yield database
    async with asyncio.timeout(AT_MOST_S):
        await database.close()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["transaction", "querying", "reading"])
async def test_a_server_that_says_nothing_is_unavailable(database, wire, way):
    async def ask():
        async with getattr(database, way)() as connection:
            await connection.execute(text("SELECT 1"))
            wire.silence()
            await connection.execute(text("SELECT 1"))

    async with asyncio.timeout(AT_MOST_S):
        with pytest.raises(Unavailable):
            await ask()
    wire.mend()
    async with asyncio.timeout(AT_MOST_S):
        await database.check()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["transaction", "querying"])
async def test_whoever_is_cancelled_does_not_wait_for_a_server_that_says_nothing(
    database, wire, way
):
    async def hang():
        async with getattr(database, way)() as connection:
            await connection.execute(text("SELECT 1"))
            wire.silence()
            await connection.execute(text("SELECT 1"))

    task = asyncio.create_task(hang())
    await asyncio.sleep(SHORT.answer_s / 2)
    began = monotonic()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert monotonic() - began < AT_MOST_S
    wire.mend()
    await database.check()


async def test_connections_are_given_up_by_both_kernels(postgres_database):
    database = Database(postgres_database)
    async with database.querying() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        connected = driver._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert await connection.scalar(text("SHOW tcp_user_timeout")) == "15000"
        assert await connection.scalar(text("SHOW tcp_keepalives_idle")) == "10"
    await database.close()


@pytest.mark.parametrize("pooler", [False, True])
async def test_errors_do_not_quote_what_statements_were_given(request, postgres_database, pooler):
    url = request.getfixturevalue("pgbouncer_database") if pooler else postgres_database
    database = Database(url, pooler=pooler)
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        await connection.execute(insert(marks).values(number=1, said="canary"))

    async def fail(**values):
        async with database.transaction() as connection:
            await connection.execute(insert(marks).values(**values))

    for values in (
        {"number": 2, "said": "canary"},  # a key that is there
        {"number": "canary", "said": "x"},  # an argument of the wrong type
        {"number": None, "said": "canary"},  # a row that may not be
    ):
        with pytest.raises(DBAPIError) as caught:
            await fail(**values)
        error: BaseException | None = caught.value
        while error is not None:
            assert "canary" not in f"{error} {error!r}", values
            error = error.__cause__ or error.__context__
    await database.close()


async def test_wrong_arguments_are_no_outage(postgres_database):
    database = Database(postgres_database)
    wrong: dict[str, dict[str, Any]] = {
        "SELECT CAST(:n AS integer)": {"n": "three"},
        "SELECT CAST(:n AS text)": {"n": 3},
    }
    for statement, values in wrong.items():
        with pytest.raises(DBAPIError):
            async with database.transaction() as connection:
                await connection.execute(text(statement), values)
    await database.check()
    await database.close()


async def test_too_many_arguments_are_no_outage(postgres_database):
    database = Database(postgres_database)
    names = {f"n{number}": 1 for number in range(32_768)}
    listed = ",".join(f":{name}" for name in names)
    with pytest.raises(DBAPIError, match="32767"):
        async with database.querying() as connection:
            await connection.execute(text(f"SELECT 1 WHERE 1 IN ({listed})"), names)
    await database.check()
    await database.close()


@pytest.mark.slow
async def test_while_a_server_says_nothing_nobody_waits_long_for_a_connection(database, wire):
    """All connections are taken then, and whoever asks next has to be told soon as well."""
    wire.silence()

    async def ask():
        began = monotonic()
        with pytest.raises(Unavailable):
            await database.check()
        return monotonic() - began

    at_most_s = FREE_CONNECTION_TIMEOUT_S + CONNECT_TIMEOUT_S + AT_MOST_S
    assert max(await asyncio.gather(*(ask() for _ in range(40)))) < at_most_s
    wire.mend()
    await database.check()
