import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import insert, select, update

from lectern.house import ROOMS
from lectern.recovery import release_jobs, resend_unhandled
from libs.common import jobs
from libs.common.database import Database
from libs.common.effects import apply
from libs.common.event_store import append
from libs.common.events import DocumentDeleted
from libs.common.migrate import upgrade
from libs.common.tables import events, inbox
from libs.common.tables import jobs as job_rows

CONSUMED = {"gateway": [], "ingest": [DocumentDeleted.topic], "synth": [DocumentDeleted.topic]}


class Payload(BaseModel):
    """Nothing."""


@pytest.fixture
async def databases(tmp_path):
    opened = {}
    for room in ROOMS:
        if room.name in CONSUMED:
            database = Database(f"sqlite+aiosqlite:///{tmp_path / room.name}.db")
            await upgrade(database, room.migrations)
            opened[room.name] = database
    yield opened
    for database in opened.values():
        await database.close()


def paths(databases) -> dict[str, Path]:
    return {name: Path(database.url.database) for name, database in databases.items()}


async def published(database, count, sent_at_ms=1000):
    """Append events that were sent; returns their ids."""
    happened = [DocumentDeleted(document_id=uuid4(), deleted_by=uuid4()) for _ in range(count)]
    async with database.transaction() as connection:
        await append(connection, happened)
        await connection.execute(update(events).values(sent_at_ms=sent_at_ms))
    return [str(each.event_id) for each in happened]


async def handled(database, consumer, event_ids):
    async with database.transaction() as connection:
        for each in event_ids:
            await connection.execute(
                insert(inbox).values(consumer=consumer, event_id=each, received_at_ms=1)
            )


async def unsent(database) -> set[str]:
    async with database.reading() as connection:
        found = await connection.execute(
            select(events.c.event_id).where(events.c.sent_at_ms.is_(None))
        )
        return set(found.scalars())


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(by_ingest=st.sets(st.integers(0, 4)), by_synth=st.sets(st.integers(0, 4)))
def test_exactly_what_an_inbox_lacks_is_sent_again(by_ingest, by_synth, tmp_path_factory):
    async def check():
        folder = tmp_path_factory.mktemp("recovery")
        opened = {name: Database(f"sqlite+aiosqlite:///{folder / name}.db") for name in CONSUMED}
        migrations = {room.name: room.migrations for room in ROOMS}
        for name, database in opened.items():
            await upgrade(database, migrations[name])
        ids = await published(opened["gateway"], 5)
        await handled(opened["ingest"], "ingest", [ids[each] for each in by_ingest])
        await handled(opened["synth"], "synth", [ids[each] for each in by_synth])
        count = resend_unhandled(paths(opened), CONSUMED)
        lacking = {ids[each] for each in range(5) if each not in by_ingest & by_synth}
        assert await unsent(opened["gateway"]) == lacking
        assert count == len(lacking)
        assert resend_unhandled(paths(opened), CONSUMED) == 0
        for database in opened.values():
            await database.close()

    asyncio.run(check())


async def test_a_service_that_consumes_its_own_events_is_looked_at_too(databases):
    (event_id,) = await published(databases["synth"], 1)
    await handled(databases["ingest"], "ingest", [event_id])
    assert resend_unhandled(paths(databases), CONSUMED) == 1
    await published(databases["synth"], 0)
    await handled(databases["synth"], "synth", [event_id])
    assert resend_unhandled(paths(databases), CONSUMED) == 0


async def test_what_was_just_sent_is_given_time(databases):
    await published(databases["gateway"], 2, sent_at_ms=5000)
    assert resend_unhandled(paths(databases), CONSUMED, sent_before_ms=5000) == 0
    assert resend_unhandled(paths(databases), CONSUMED, sent_before_ms=5001) == 2


async def test_the_inbox_of_another_consumer_says_nothing(databases):
    ids = await published(databases["gateway"], 1)
    await handled(databases["synth"], "ingest", ids)
    await handled(databases["ingest"], "ingest", ids)
    assert resend_unhandled(paths(databases), CONSUMED) == 1


async def test_jobs_of_a_process_that_is_gone_are_free_again_and_it_is_fenced_off(databases):
    database = databases["synth"]
    async with database.transaction() as connection:
        for subject in ("running", "waiting"):
            await apply(connection, [jobs.NewJob("speak", Payload(), subject)], None)
        [held] = await jobs.claim(connection, ["speak"], 60_000)
    assert release_jobs(paths(databases).values()) == 1
    async with database.transaction() as connection:
        assert not await jobs.finish(connection, held)
        [again] = await jobs.claim(connection, ["speak"], 60_000)
        assert (again.id, again.attempts) == (held.id, held.attempts)
        assert await jobs.finish(connection, again)
        states = await connection.execute(select(job_rows.c.status).order_by(job_rows.c.id))
        assert states.scalars().all() == ["done", "ready"]
    assert release_jobs(paths(databases).values()) == 0
