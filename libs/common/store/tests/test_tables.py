from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import String, text

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.documents import PageExtracted
from libs.common.store.event_store import append
from libs.common.store.handled_ids import pack_old
from libs.common.store.inbox import first_deliveries
from libs.common.store.tables import core
from libs.common.testing.records import arrival

SERVICES = Path(__file__).resolve().parents[4] / "services"
OF_EVERYBODY = {"owner_salts.owner_id"}
"""Also holds what is no UUID."""
COUNT = 1000
SIZES = text(
    "SELECT relname, pg_relation_size(oid) + "
    "coalesce((SELECT sum(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid = oid), 0) "
    "FROM pg_class WHERE relkind = 'r'"
)
"""Without the maps of free space, which tell of 1,000 rows more than of a million."""
TRACE = "00-04a75036e9d520bb983c5ed03b8d0182-94f39509523bd266-01"


def tables():
    yield from core.tables.values()
    for path in sorted(SERVICES.rglob("tables.py")):
        module = path.relative_to(SERVICES.parent).with_suffix("")
        yield from import_module(".".join(module.parts)).metadata.tables.values()


def test_a_uuid_is_not_kept_as_text():
    as_text = {
        f"{column.table.name}.{column.name}"
        for table in tables()
        for column in table.columns
        if isinstance(column.type, String) and column.type.length == 36
    }
    assert as_text == OF_EVERYBODY


def extracted(page):
    document_id = uuid4()
    return PageExtracted(
        document_id=document_id,
        owner_id=uuid4(),
        page=page,
        language="en",
        text=ObjectRef(
            key=f"documents/{document_id}/pages/{page}/0.md",
            sha256=(uuid4().hex + uuid4().hex),
            size=700,
            media_type="text/markdown; charset=utf-8",
        ),
        markdown_characters=700,
        occurred_at=datetime.now(UTC),
    )


async def bytes_per_event(database):
    found = await database.fetch(SIZES)
    return {row[0]: float(row[1]) / COUNT for row in found}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_events_take_few_bytes_with_their_indexes(database):
    some = [extracted(page) for page in range(1, COUNT + 1)]
    arrivals = [arrival(event) for event in some]
    async with database.transaction() as connection:
        await append(connection, some, TRACE)
        await first_deliveries(connection, "gateway", arrivals, keep=True)
    kept = await bytes_per_event(database)
    async with database.transaction() as connection:
        await connection.execute(text("TRUNCATE inbox"))
        await first_deliveries(connection, "synth", arrivals)
    plain = await bytes_per_event(database)
    async with database.transaction() as connection:
        await pack_old(connection, "synth", keep_ms=-60_000)
    packed = await bytes_per_event(database)
    assert kept["events"] < 480
    assert kept["inbox"] < 345
    assert plain["inbox"] < 135
    assert packed["handled"] < 45
