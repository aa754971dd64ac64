import asyncio

from sqlalchemy import text

from libs.common.database.engine import Database
from libs.common.database.single_statements import single_statements


async def test_each_statement_is_committed_before_the_block_ends(postgres_database):
    database, beside = Database(postgres_database), Database(postgres_database)
    async with single_statements(database) as connection:
        await connection.execute(text("CREATE TABLE marks (number int)"))
        await connection.execute(text("INSERT INTO marks VALUES (1)"))
        async with beside.querying() as other:
            assert await other.scalar(text("SELECT number FROM marks")) == 1
    await database.close()
    await beside.close()


async def test_on_sqlite_they_queue_with_other_writers(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with single_statements(database) as connection:
        await connection.execute(text("CREATE TABLE marks (number int)"))

    async def write(number):
        async with single_statements(database) as connection:
            await connection.execute(text(f"INSERT INTO marks VALUES ({number})"))

    await asyncio.gather(*map(write, range(5)))
    async with database.querying() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM marks")) == 5
    await database.close()
