from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, insert

from libs.common.contracts.base import ObjectRef
from libs.common.database.engine import Database
from services.gateway.kernel.rows import RowReader, as_json

metadata = MetaData()
things = Table(
    "things", metadata, Column("thing_id", String, primary_key=True), Column("place", JSON)
)
more = Table("more", metadata, Column("thing_id", String), Column("count", Integer))


@dataclass(frozen=True, kw_only=True)
class Thing:
    thing_id: UUID
    place: ObjectRef | None


@dataclass(frozen=True, kw_only=True)
class CountedThing(Thing):
    count: int


PLACE = ObjectRef(key="k", sha256="0" * 64, size=3, media_type="application/octet-stream")


@pytest.fixture
async def connection(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/rows.db")
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
        yield connection
    await database.close()


async def test_columns_become_what_the_class_says(connection):
    ids = sorted([uuid4(), uuid4()])
    for thing_id, place in zip(ids, (None, PLACE), strict=True):
        values = {"thing_id": str(thing_id), "place": as_json(place)}
        await connection.execute(insert(things).values(values))
    reader = RowReader(Thing, things)
    found = await reader.all(connection, reader.select().order_by(things.c.thing_id))
    assert found == [Thing(thing_id=ids[0], place=None), Thing(thing_id=ids[1], place=PLACE)]
    assert await reader.one(connection, reader.select().where(things.c.thing_id == "?")) is None


async def test_columns_of_several_tables(connection):
    thing_id = uuid4()
    await connection.execute(insert(things).values(thing_id=str(thing_id), place=as_json(PLACE)))
    await connection.execute(insert(more).values(thing_id=str(thing_id), count=7))
    reader = RowReader(CountedThing, things, more)
    joined = reader.select().join(more, more.c.thing_id == things.c.thing_id)
    assert await reader.one(connection, joined) == CountedThing(
        thing_id=thing_id, place=PLACE, count=7
    )


def test_a_field_without_a_column_is_told_at_once():
    with pytest.raises(LookupError, match="count"):
        RowReader(CountedThing, things)
