from uuid import UUID, uuid4

from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

from libs.common.store.bodies.uuid_text import NO_UUID, UuidText

own = MetaData()
things = Table("things", own, Column("id", Integer, primary_key=True), Column("name", UuidText))


async def test_text_comes_back_and_postgresql_holds_sixteen_bytes(database):
    given = [str(uuid4()), NO_UUID, None]
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        rows = [{"id": number, "name": name} for number, name in enumerate(given)]
        await connection.execute(insert(things), rows)
        assert list(await connection.scalars(select(things.c.name).order_by(things.c.id))) == given
        by_name = select(things.c.id).where(things.c.name == given[0])
        assert await connection.scalar(by_name) == 0
        size = "length(name)" if database.sqlite else "pg_column_size(name)"
        found = await connection.scalar(text(f"SELECT {size} FROM things WHERE id = 0"))
    assert found == (36 if database.sqlite else 16)


async def test_the_least_of_all_comes_first(database):
    names = [str(UUID(int=number)) for number in (2**127, 1, 2**128 - 1)]
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        await connection.execute(insert(things), [{"name": name} for name in [*names, NO_UUID]])
        found = await connection.scalars(select(things.c.name).order_by(things.c.name))
        assert list(found) == sorted([*names, NO_UUID])
        assert sorted([*names, NO_UUID])[0] == NO_UUID
