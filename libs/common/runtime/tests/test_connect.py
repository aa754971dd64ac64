import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.errors import Unavailable
from libs.common.runtime.connect import (
    open_database,
    open_database_unhurried,
    open_object_storage,
)
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.testing.costs.loop_watchdog import not_counted

NOWHERE = "postgresql+asyncpg://lectern:x@127.0.0.1:1/none"


def common(tmp_path, **changes):
    given = {"kafka_bootstrap_servers": "127.0.0.1:1", "storage_url": f"file://{tmp_path}/objects"}
    return CommonSettings(**given | changes)


async def test_opens_the_database_of_the_service(tmp_path, database_url):
    settings = ServiceSettings(database_url=database_url, http_port=0)
    database = open_database(common(tmp_path), settings)
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await database.close()


async def test_the_pool_is_as_large_as_the_settings_say(tmp_path):
    settings = ServiceSettings(database_url=NOWHERE, http_port=0)
    database = open_database(common(tmp_path, database_pool_size=3), settings)
    assert isinstance(database.engine.pool, QueuePool)
    assert database.engine.pool.size() == 3
    with pytest.raises(Unavailable):  # nothing was connected before
        await database.check()
    await database.close()


def test_limits_are_what_the_settings_say(tmp_path):
    settings = ServiceSettings(database_url=NOWHERE, http_port=0)
    assert open_database(common(tmp_path), settings).limits == DatabaseLimits()
    seconds = {"lock": 1, "statement": 2, "idle": 3, "answer": 4}
    changes = {f"database_{name}_timeout_seconds": value for name, value in seconds.items()}
    limits = open_database(common(tmp_path, **changes), settings).limits
    assert limits == DatabaseLimits(lock_s=1, statement_s=2, idle_s=3, answer_s=4)


async def test_commands_of_operators_may_take_long(postgres_database):
    settings = ServiceSettings(database_url=postgres_database, http_port=0)
    database = open_database_unhurried(settings)
    async with database.querying() as connection:
        assert await connection.scalar(text("SHOW statement_timeout")) == "0"
    await database.close()


async def test_goes_through_a_pooler(tmp_path, pgbouncer_database):
    settings = ServiceSettings(
        database_url=pgbouncer_database, database_pooler="transaction", http_port=0
    )
    for database in (open_database(common(tmp_path), settings), open_database_unhurried(settings)):
        await database.check()
        await database.close()


async def test_opens_a_folder_as_storage(tmp_path):
    storage = open_object_storage(common(tmp_path))
    await storage.write("documents/1/source", b"text")
    assert await storage.read("documents/1/source") == b"text"
    await storage.close()


async def test_opens_a_bucket_as_storage(tmp_path, s3_server):
    settings = common(
        tmp_path,
        storage_url=f"s3://{s3_server.bucket}?endpoint={s3_server.endpoint}&region=us-east-1",
        s3_access_key_id=s3_server.access_key_id,
        s3_secret_access_key=s3_server.secret_access_key,
    )
    with not_counted():  # boto3 is loaded, as at a start
        storage = open_object_storage(settings)
    await storage.write("connect/1", b"text")
    assert await storage.read("connect/1") == b"text"
    await storage.close()
