from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.testing.proxies.pgbouncer import SESSIONS


async def test_hands_a_session_of_the_server_to_each_transaction(pgbouncer_database):
    engine = create_async_engine(
        make_url(pgbouncer_database), connect_args={"statement_cache_size": 0}
    )
    pids = set()
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        for _ in range(4 * SESSIONS):
            async with driver.transaction():
                pids.add(await driver.fetchval("SELECT pg_backend_pid()"))
    await engine.dispose()
    assert len(pids) <= SESSIONS
