import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

from libs.common.store.bodies.compact_text import Moment, NamedByIds, Traceparent

UUID_ = "0191e0b0-0000-7000-8000-00000000002a"
TRACE = "00-04a75036e9d520bb983c5ed03b8d0182-94f39509523bd266-01"
MOMENTS = [
    "0001-01-01T00:00:00.000000Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-11-28T09:00:00.000001Z",
    "2026-11-28T09:00:00.120000Z",
    "9999-12-31T23:59:59.999999Z",
]
NAMES = ["", "salts", UUID_, f"page/{UUID_}/12", f"ä/{UUID_}{UUID_}", UUID_.upper(), "a" * 100]
TRACES = [
    TRACE,
    TRACE[:-2] + "00",
    TRACE.upper(),
    "ff" + TRACE[2:],
    TRACE + "-more",
    TRACE + "ff",
    TRACE.replace("-", ""),
    "00-a-b-01",
    "00",
    "00---",
    "",
    "ä",
]
own = MetaData()


def table_of(kind):
    name = kind.__name__.lower()
    key, value = Column("id", Integer, primary_key=True), Column("value", kind(100))
    return own.tables.get(name, Table(name, own, key, value, extend_existing=True))


async def filled(connection, kind, values):
    table = table_of(kind)
    await connection.run_sync(own.create_all)
    rows = [{"id": number, "value": value} for number, value in enumerate(values)]
    await connection.execute(insert(table), rows)
    return table


@pytest.mark.parametrize(
    ("kind", "values"), [(NamedByIds, NAMES), (Traceparent, TRACES), (Moment, MOMENTS)]
)
async def test_text_comes_back_and_is_found(database, kind, values):
    async with database.transaction() as connection:
        table = await filled(connection, kind, [*values, None])
        found = await connection.scalars(select(table.c.value).order_by(table.c.id))
        assert list(found) == [*values, None]
        for number, value in enumerate(values):
            same = select(table.c.id).where(table.c.value == value)
            assert list(await connection.scalars(same)) == [number]
        some = select(table.c.id).where(table.c.value.in_(values[1:3])).order_by(table.c.id)
        assert list(await connection.scalars(some)) == [1, 2]


async def test_moments_are_in_their_order(database):
    async with database.transaction() as connection:
        table = await filled(connection, Moment, reversed(MOMENTS))
        found = await connection.scalars(select(table.c.value).order_by(table.c.value))
        assert list(found) == MOMENTS
        since = select(table.c.value).where(table.c.value >= MOMENTS[3], table.c.value < MOMENTS[4])
        assert list(await connection.scalars(since)) == MOMENTS[3:4]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "value", "size"),
    [(NamedByIds, f"page/{UUID_}/12", 25), (Traceparent, TRACE, 26), (Moment, MOMENTS[2], 8)],
)
async def test_postgresql_holds_few_bytes(database, kind, value, size):
    header = 0 if kind is Moment else 1
    async with database.transaction() as connection:
        table = await filled(connection, kind, [value])
        stored = text(f"SELECT pg_column_size(value) FROM {table.name}")
        assert await connection.scalar(stored) == size + header
