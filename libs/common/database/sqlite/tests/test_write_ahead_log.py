import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from libs.common.database.engine import Database
from libs.common.database.sqlite.write_ahead_log import (
    AGAIN_AFTER,
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
    log.moved(all_of_it=True)
    assert not log.is_long


def test_the_commits_that_move_it_and_begin_it_anew_wait_for_the_disk():
    log = WriteAheadLog()
    assert log.waits_for_disk
    for _ in range(MOST_COMMITS):
        log.grew(long=False)
        assert log.waits_for_disk == log.is_long
    log.moved(all_of_it=True)
    assert log.waits_for_disk
    assert not log.is_long


def test_what_could_not_be_moved_is_to_be_moved_soon():
    log = WriteAheadLog()
    log.grew(long=False)
    log.moved(all_of_it=False)
    for _ in range(AGAIN_AFTER):
        assert not log.waits_for_disk
        log.grew(long=False)
    assert log.is_long


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


async def add(database, times, size=1000):
    for _ in range(times):
        async with database.transaction() as connection:
            values = {"body": "x" * size}
            await connection.execute(text("INSERT INTO things (body) VALUES (:body)"), values)


def rows_in_the_file_alone(path):
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        return connection.execute("SELECT count(*) FROM things").fetchone()[0]


async def test_it_is_moved_soon_after_somebody_has_read_it_for_long(database, tmp_path):
    await database.empty_log()
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM things").fetchall()
        await add(database, 2 * MOST_COMMITS)
        assert rows_in_the_file_alone(tmp_path / "x.db") == 0
        other.execute("COMMIT")
    await add(database, AGAIN_AFTER + 1)
    assert rows_in_the_file_alone(tmp_path / "x.db") > 2 * MOST_COMMITS


@contextmanager
def no_file_is_larger_than(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_what_was_committed_is_no_failure_though_the_disk_is_full(database, tmp_path):
    """There is room for the log, and none to move it."""
    await add(database, 2 * MOST_COMMITS, size=10_000)
    await database.empty_log()
    with no_file_is_larger_than((tmp_path / "x.db").stat().st_size):
        await add(database, MOST_COMMITS + 2 * AGAIN_AFTER)
        async with database.reading() as connection:
            count = await connection.scalar(text("SELECT count(*) FROM things"))
    assert count == 3 * MOST_COMMITS + 2 * AGAIN_AFTER
    await add(database, 1)
    assert await database.empty_log()
