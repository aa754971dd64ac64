import pytest
from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from libs.common.database.engine import Database
from libs.common.store.tables import NAMES
from services.gateway.rebuilding import shadows

things = Table(
    "things",
    MetaData(naming_convention=NAMES),
    Column("id", Integer, primary_key=True),
    Column("code", String(10), nullable=False),
    Column("owner", String(10), index=True),
    UniqueConstraint("code"),
    Index("ix_things_late", "owner", postgresql_where=text("id > 5"), sqlite_where=text("id > 5")),
)


def described(connection):
    found = inspect(connection)
    return (
        found.get_table_names(),
        found.get_pk_constraint("things"),
        found.get_unique_constraints("things"),
        sorted(
            (index["name"], index["column_names"], "where" in repr(index["dialect_options"]))
            for index in found.get_indexes("things")
        ),
    )


async def test_a_shadow_takes_the_place_and_the_names_of_its_original(database):
    beside = shadows.shadows_of([things], sqlite=database.sqlite)
    async with database.transaction() as connection:
        await connection.run_sync(things.create)
        await connection.execute(insert(things).values(id=1, code="old"))
        before = await connection.run_sync(described)
        await shadows.create(connection, beside)
    async with database.transaction() as connection:
        await connection.execute(insert(beside[things]).values(id=2, code="new"))
        await shadows.analyze(connection, beside)
    assert await database.fetch(select(things.c.code)) == [("old",)]
    async with database.transaction() as connection:
        await shadows.lock(connection, [things], 1000)
        await shadows.swap(connection, beside)
    assert await database.fetch(select(things.c.code)) == [("new",)]
    async with database.reading() as connection:
        assert await connection.run_sync(described) == before


async def test_what_is_left_is_discarded(database):
    beside = shadows.shadows_of([things], sqlite=database.sqlite)
    async with database.transaction() as connection:
        await shadows.discard(connection, ["things"])
        await shadows.create(connection, beside)
        await shadows.discard(connection, ["things"])
        await shadows.create(connection, beside)


async def test_who_waits_too_long_for_a_table_gives_up(postgres_database):
    database = Database(postgres_database)
    async with database.transaction() as connection:
        await connection.run_sync(things.create)
    async with database.reading() as reader:
        await reader.execute(select(things))
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with database.engine.begin() as connection:
                await shadows.lock(connection, [things], 20)
    await database.close()
