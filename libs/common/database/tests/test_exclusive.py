import asyncio

import pytest
from sqlalchemy.engine import make_url

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.engine import Database
from libs.common.errors import Unavailable

SOON_S = 0.3
EVENTUALLY_S = 20.0
SHORT = DatabaseLimits(idle_s=0.9, answer_s=0.4)


@pytest.fixture
async def database(database_url):
    """Either kind of database."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def beside(database_url):
    """The same database as another process has it."""
    other = Database(database_url)
    yield other
    await other.close()


@pytest.mark.slow
async def test_one_at_a_time_holds_a_lock(database, beside):
    entered = asyncio.Event()

    async def enter():
        async with beside.exclusive("door"):
            entered.set()

    async with database.exclusive("door"):
        waiting = asyncio.create_task(enter())
        await asyncio.sleep(SOON_S)
        assert not entered.is_set()
        async with beside.exclusive("window"):
            pass
    async with asyncio.timeout(EVENTUALLY_S):
        await waiting
    assert entered.is_set()


async def test_a_lock_is_free_again_after_a_failure(database, beside):
    async def fail():
        async with database.exclusive("door"):
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with asyncio.timeout(EVENTUALLY_S), beside.exclusive("door"):
        pass


@pytest.mark.slow
async def test_a_lock_that_was_lost_ends_its_block(wire, postgres_database):
    url = make_url(postgres_database).set(host="127.0.0.1", port=wire.port)
    holder = Database(url.render_as_string(hide_password=False), limits=SHORT)
    other = Database(postgres_database, limits=SHORT)

    async def hold():
        async with holder.exclusive("door"):
            wire.silence()
            await asyncio.Event().wait()

    async with asyncio.timeout(EVENTUALLY_S):
        holding = asyncio.create_task(hold())
        await asyncio.sleep(SOON_S)
        async with other.exclusive("door"):
            pass
        wire.mend()
        with pytest.raises(Unavailable, match="lost"):
            await holding
    await holder.close()
    await other.close()


async def test_a_lock_of_a_name_works_behind_a_pooler(pgbouncer_database):
    first, second = (Database(pgbouncer_database, limits=SHORT, pooler=True) for _ in range(2))
    entered = []

    async def enter(database):
        async with database.exclusive("door"):
            entered.append("in")
            await asyncio.sleep(SHORT.idle_s / 2)
            await database.check()
            entered.append("out")

    async with asyncio.timeout(EVENTUALLY_S):
        await asyncio.gather(enter(first), enter(second))
    assert entered == ["in", "out"] * 2
    await first.close()
    await second.close()
