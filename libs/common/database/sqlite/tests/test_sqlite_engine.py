import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from libs.common.database.engine import Database


async def test_makes_the_folder_of_a_file(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/new/deep/test.db")
    await database.check()
    assert (tmp_path / "new/deep/test.db").is_file()
    await database.close()


@pytest.mark.slow
async def test_several_may_open_a_new_file_at_once(tmp_path):
    """SQLite says that it is locked, and does not wait, while another one begins its log."""
    for number in range(100):
        url = f"sqlite+aiosqlite:///{tmp_path}/{number}.db"
        databases = [Database(url) for _ in range(4)]
        await asyncio.gather(*(database.check() for database in databases))
        for database in databases:
            await database.close()


async def test_what_is_no_database_is_not_tried_for_long(tmp_path):
    (tmp_path / "test.db").write_bytes(b"something else" * 1000)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with asyncio.timeout(10):
        with pytest.raises(DBAPIError, match="not a database"):
            await database.check()
    await database.close()
