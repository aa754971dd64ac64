from uuid import uuid4

from libs.common.contracts.documents import DocumentDeleted
from libs.common.store.event_store import append
from libs.common.store.rows import StoredEvent, select_stored
from libs.common.store.tables import events


def test_a_stored_event_has_every_column():
    assert set(StoredEvent._fields) == {column.name for column in events.columns}


async def test_columns_are_in_the_order_of_the_fields(database):
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    async with database.transaction() as connection:
        await append(connection, [event], "00-aa-bb-01")
        (row,) = await connection.execute(select_stored())
    stored = StoredEvent._make(row)
    assert stored._asdict() == dict(row._mapping)
    assert (stored.event_id, stored.body) == (str(event.event_id), event.encode())
    assert (stored.stream, stored.version) == (event.stream, 1)
    assert stored.traceparent == "00-aa-bb-01"
