import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select

from libs.common.database.upsert import add_once, insert_or_ignore, upsert
from libs.common.store.effects import apply

own = MetaData()
seats = Table(
    "seats",
    own,
    Column("hall", String(10), primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("holder", String(20)),
    Column("price", Integer, nullable=False, server_default="7"),
)


@pytest.fixture
async def rows(database):
    """Runs statements, one transaction each, and returns the table."""

    async def run(*statements):
        for statement in statements:
            async with database.transaction() as connection:
                await apply(connection, [statement], None)
        async with database.reading() as connection:
            found = await connection.execute(select(seats).order_by(seats.c.hall, seats.c.seat))
            return [tuple(row) for row in found]

    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
    return run


async def test_the_first_insert_stays(rows):
    first = insert_or_ignore(seats, hall="a", seat=1, holder="Ada")
    second = insert_or_ignore(seats, hall="a", seat=1, holder="Bob")
    assert await rows(first, second) == [("a", 1, "Ada", 7)]


async def test_rowcount_tells_a_first_insert_from_a_repeated_one(database, rows):
    one = insert_or_ignore(seats, hall="a", seat=1)
    async with database.transaction() as connection:
        counted = [(await connection.execute(one)).rowcount for _ in range(3)]
    assert counted == [1, 0, 0]


async def test_sets_the_values_and_leaves_other_columns_and_rows_alone(rows):
    found = await rows(
        insert_or_ignore(seats, hall="a", seat=1, holder="Ada", price=9),
        insert_or_ignore(seats, hall="a", seat=2, holder="Cid"),
        upsert(seats, {"hall": "a", "seat": 1}, holder="Bob"),
    )
    assert found == [("a", 1, "Bob", 9), ("a", 2, "Cid", 7)]


async def test_inserts_what_is_not_there(rows):
    assert await rows(upsert(seats, {"hall": "b", "seat": 3}, holder=None)) == [("b", 3, None, 7)]


async def test_a_key_alone_is_inserted_once(rows):
    alone = upsert(seats, {"hall": "c", "seat": 4})
    assert await rows(alone, alone) == [("c", 4, None, 7)]


async def test_a_row_is_added_once(rows):
    first, second = (add_once(seats, hall="a", seat=1, holder=name) for name in ("Ada", "Bob"))
    assert await rows(first, second) == [("a", 1, "Ada", 7)]


async def test_the_latest_stays_however_they_come(rows):
    def priced(price, holder):
        return upsert(seats, {"hall": "a", "seat": 1}, "price", price=price, holder=holder)

    unpriced = upsert(seats, {"hall": "a", "seat": 2}, holder="Cid")
    found = await rows(priced(9, "Bob"), priced(8, "Ada"), unpriced)
    assert found == [("a", 1, "Bob", 9), ("a", 2, "Cid", 7)]
    assert (await rows(priced(9, "Dan")))[0] == ("a", 1, "Dan", 9)


async def test_what_was_not_known_is_older_than_anything(rows):
    nobody = upsert(seats, {"hall": "a", "seat": 1}, price=1)
    named = upsert(seats, {"hall": "a", "seat": 1}, "holder", holder="Ada")
    assert await rows(nobody, named) == [("a", 1, "Ada", 1)]


def test_rows_of_the_same_columns_share_a_statement():
    one, two = (upsert(seats, {"hall": "a", "seat": seat}, holder="Ada") for seat in (1, 2))
    assert one.statement is two.statement
    assert upsert(seats, {"hall": "a", "seat": 1}, price=3).statement is not one.statement
