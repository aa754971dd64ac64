import json

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, and_, insert, or_, select

from libs.common.database.arrays import among, among_given
from libs.common.database.engine import Database

own = MetaData()
marks = Table("marks", own, Column("number", Integer, primary_key=True), Column("said", String(20)))
MORE_THAN_PARAMETERS = 40_000


@pytest.fixture
async def database(database_url):
    """Three rows, in either kind of database."""
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        rows = [{"number": number, "said": said} for number, said in enumerate("abc")]
        await connection.execute(insert(marks), rows)
    yield database
    await database.close()


async def found(database, condition):
    wanted = select(marks.c.number).where(condition).order_by(marks.c.number)
    return [row.number for row in await database.fetch(wanted)]


async def test_finds_rows_by_integers_and_by_text(database):
    assert await found(database, among(marks.c.number, {2, 0, 7})) == [0, 2]
    assert await found(database, among(marks.c.said, ["c", "b", "?"])) == [1, 2]
    assert await found(database, among(marks.c.number, [])) == []
    assert await found(database, ~among(marks.c.said, ["a"])) == [1, 2]


async def test_statements_of_one_shape_keep_their_own_values(database):
    for number in range(3):
        assert await found(database, among(marks.c.number, [number])) == [number]


async def test_a_statement_that_is_built_once_is_given_its_values(database):
    wanted = select(marks.c.number).where(among_given(marks.c.said, "said")).order_by(marks.c.said)
    for said, numbers in ((["c", "a"], [0, 2]), (["b"], [1]), ([], [])):
        assert [row.number for row in await database.fetch(wanted, {"said": said})] == numbers


async def test_any_number_of_values_is_one_parameter(database):
    assert await found(database, among(marks.c.number, range(MORE_THAN_PARAMETERS))) == [0, 1, 2]
    many = map(str, range(MORE_THAN_PARAMETERS))
    assert await found(database, among(marks.c.said, [*many, "b"])) == [1]


PARTS = Table("parts", MetaData(), Column("id", Text, primary_key=True), Column("of", Text))


@pytest.mark.parametrize(
    "condition",
    [
        among(PARTS.c.id, ["a", "b"]),
        and_(among(PARTS.c.id, ["a", "b"]), PARTS.c.of.is_not(None)),
        or_(among(PARTS.c.id, ["a", "b"]), among(PARTS.c.id, ["c"])),
    ],
)
async def test_rows_are_looked_up_not_gone_through(tmp_path, condition):
    """SQLite uses no index for what it is told to compare with 1."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    statement = select(PARTS).where(condition)
    sql = statement.compile(dialect=database.engine.dialect)
    async with database.transaction() as connection:
        await connection.run_sync(PARTS.metadata.create_all)
        given = tuple(json.dumps(sql.params[name]) for name in sql.positiontup or ())
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
        steps = [row.detail for row in plan if "parts" in row.detail]
    await database.close()
    assert steps
    assert all(step.startswith("SEARCH") for step in steps), steps
