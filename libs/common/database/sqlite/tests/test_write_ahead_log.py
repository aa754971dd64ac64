import sqlite3

import pytest
from sqlalchemy import text

from libs.common.database.engine import Database
from libs.common.database.sqlite.write_ahead_log import (
    LONG,
    MOST_COMMITS,
    MOST_PAGES,
    WriteAheadLog,
)

FRAME_BYTES = 4096 + 24


def test_it_is_long_after_so_many_commits():
    log = WriteAheadLog()
    for _ in range(MOST_COMMITS - 1):
        log.grew(long=False)
    assert not log.is_long
    log.grew(long=False)
    assert log.is_long
    log.moved()
    assert not log.is_long


def test_long_transactions_count_for_many():
    log = WriteAheadLog()
    for _ in range(MOST_COMMITS // LONG):
        assert not log.is_long
        log.grew(long=True)
    assert log.is_long


@pytest.fixture
async def database(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE things (body TEXT)"))
    yield database
    await database.close()


@pytest.mark.parametrize("what", ["(body) VALUES (:body)", "SELECT :body"], ids=["short", "long"])
async def test_it_stays_short_however_many_transactions_there_are(database, tmp_path, what):
    longest = 0
    for _ in range(10 * MOST_COMMITS):
        async with database.transaction() as connection:
            await connection.execute(text(f"INSERT INTO things {what}"), {"body": "x" * 5000})
        longest = max(longest, (tmp_path / "x.db-wal").stat().st_size)
    assert longest < MOST_PAGES * FRAME_BYTES / 10
    with sqlite3.connect(tmp_path / "x.db") as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
