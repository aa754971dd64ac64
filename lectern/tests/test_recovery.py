import asyncio
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import delete, insert, select

from lectern import recovery
from lectern.recovery import Sweeper, release_left
from lectern.service_catalog import SERVICES
from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.engine import Database
from libs.common.store.effects import apply
from libs.common.store.event_store import append
from libs.common.store.inbox import unhandled_ids
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.jobs.held_jobs import end
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.migrate import upgrade
from libs.common.store.tables import events, inbox, jobs, outbox, sweeps

PARTITION = TopicPartition(DocumentDeleted.topic, 0)
CONSUMED = {"gateway": [], "ingest": [DocumentDeleted.topic], "synth": [DocumentDeleted.topic]}


SPEAKING = SlotRequest(kind="speak", free=1, share=1, most=1)


class Payload(BaseModel):
    """Nothing."""


@pytest.fixture
async def databases(tmp_path):
    opened = {}
    for spec in SERVICES:
        if spec.name in CONSUMED:
            database = Database(f"sqlite+aiosqlite:///{tmp_path / spec.name}.db")
            await upgrade(database, spec.migrations)
            opened[spec.name] = database
    yield opened
    for database in opened.values():
        await database.close()


async def published(database, count):
    """Append events that were sent; returns their ids."""
    happened = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(count)
    ]
    async with database.transaction() as connection:
        await append(connection, happened)
        await sent(connection)
    return [str(event.event_id) for event in happened]


async def sent(connection):
    """As if a relay had sent all that waits."""
    await connection.execute(delete(outbox))


async def handled(database, consumer, event_ids):
    async with database.transaction() as connection:
        for event_id in event_ids:
            await connection.execute(
                insert(inbox).values(consumer=consumer, event_id=event_id, received_at_ms=1)
            )


async def unsent(database) -> set[str]:
    async with database.reading() as connection:
        waiting = select(events.c.event_id).join(outbox, outbox.c.id == events.c.id)
        return set(await connection.scalars(waiting))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(by_ingest=st.sets(st.integers(0, 4)), by_synth=st.sets(st.integers(0, 4)))
def test_exactly_what_an_inbox_lacks_is_sent_again(by_ingest, by_synth, tmp_path_factory):
    async def check():
        folder = tmp_path_factory.mktemp("recovery")
        opened = {name: Database(f"sqlite+aiosqlite:///{folder / name}.db") for name in CONSUMED}
        migrations = {spec.name: spec.migrations for spec in SERVICES}
        for name, database in opened.items():
            await upgrade(database, migrations[name])
        ids = await published(opened["gateway"], 5)
        await handled(opened["ingest"], "ingest", [ids[number] for number in by_ingest])
        await handled(opened["synth"], "synth", [ids[number] for number in by_synth])
        count = await Sweeper(opened, CONSUMED).sweep()
        lacking = {ids[number] for number in range(5) if number not in by_ingest & by_synth}
        assert await unsent(opened["gateway"]) == lacking
        assert count == len(lacking)
        assert await Sweeper(opened, CONSUMED).sweep() == 0
        for database in opened.values():
            await database.close()

    asyncio.run(check())


async def test_a_service_that_consumes_its_own_events_is_looked_at_too(databases):
    (event_id,) = await published(databases["synth"], 1)
    await handled(databases["ingest"], "ingest", [event_id])
    assert await Sweeper(databases, CONSUMED).sweep() == 1
    await published(databases["synth"], 0)
    await handled(databases["synth"], "synth", [event_id])
    assert await Sweeper(databases, CONSUMED).sweep() == 0


async def test_what_was_sent_since_the_last_look_is_given_time(databases):
    sweeper = Sweeper(databases, CONSUMED)
    assert await sweeper.sweep() == 0
    await published(databases["gateway"], 2)
    assert await sweeper.sweep() == 0
    assert await sweeper.sweep() == 2


async def test_what_was_still_in_the_outbox_is_given_time(databases):
    sweeper = Sweeper(databases, CONSUMED)
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    async with databases["gateway"].transaction() as connection:
        await append(connection, [event])
    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 0]
    async with databases["gateway"].transaction() as connection:
        await sent(connection)
    assert [await sweeper.sweep() for _ in range(2)] == [0, 1]


class Reader:
    """Where consumers are, and where what they read ends."""

    def __init__(self):
        self.end = self.handled = 0

    def ends(self):
        return {PARTITION: self.end}

    def handled_until(self, ends):
        return self.handled >= ends.get(PARTITION, 0)


async def test_what_waits_in_the_broker_is_not_lost(databases):
    reading = Reader()
    sweeper = Sweeper(databases, CONSUMED, reading)
    assert await sweeper.sweep() == 0
    await published(databases["gateway"], 2)
    reading.end = 2
    assert await sweeper.sweep() == 0
    reading.end, reading.handled = 5, 1
    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 0]
    reading.handled = 2
    assert await sweeper.sweep() == 2


async def test_looking_goes_on_whatever_goes_wrong(databases, monkeypatch):
    looks = asyncio.Semaphore(0)

    async def sweep():
        looks.release()
        raise RuntimeError("something that nobody has thought of")

    monkeypatch.setattr(recovery, "SWEEP_EVERY_S", 0)
    sweeper = Sweeper(databases, CONSUMED)
    monkeypatch.setattr(sweeper, "sweep", sweep)
    looking = asyncio.create_task(sweeper.run())
    async with asyncio.timeout(20):
        for _ in range(3):
            await looks.acquire()
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()


async def test_what_was_sent_again_is_given_time(databases):
    sweeper = Sweeper(databases, CONSUMED)
    await published(databases["gateway"], 2)
    assert await sweeper.sweep() == 2
    async with databases["gateway"].transaction() as connection:
        await sent(connection)
    assert [await sweeper.sweep() for _ in range(2)] == [0, 2]


async def test_the_inbox_of_another_consumer_says_nothing(databases):
    ids = await published(databases["gateway"], 1)
    await handled(databases["synth"], "ingest", ids)
    await handled(databases["ingest"], "ingest", ids)
    assert await Sweeper(databases, CONSUMED).sweep() == 1


async def test_what_is_settled_is_not_looked_at_again(databases, monkeypatch):
    asked = []
    look = unhandled_ids

    async def noted(connection, consumer, event_ids):
        asked.extend(event_ids)
        return await look(connection, consumer, event_ids)

    monkeypatch.setattr(recovery, "unhandled_ids", noted)
    sweeper = Sweeper(databases, CONSUMED)
    first, second, third = await published(databases["gateway"], 3)
    for consumer in ("ingest", "synth"):
        await handled(databases[consumer], consumer, [first, third])
    assert await sweeper.sweep() == 1
    assert sweeper.progress["gateway"].settled == 1
    asked.clear()
    assert await sweeper.sweep() == 0  # it is on its way again
    assert set(asked) == {second}
    for consumer in ("ingest", "synth"):
        await handled(databases[consumer], consumer, [second])
    assert await sweeper.sweep() == 0
    assert sweeper.progress["gateway"].settled == 3
    asked.clear()
    assert await sweeper.sweep() == 0
    assert await Sweeper(databases, CONSUMED).sweep() == 0  # as after a start
    assert asked == []


async def test_another_consumer_is_given_all_that_there_is(databases):
    (event_id,) = await published(databases["gateway"], 1)
    for consumer in ("ingest", "synth"):
        await handled(databases[consumer], consumer, [event_id])
    assert await Sweeper(databases, CONSUMED).sweep() == 0
    more = CONSUMED | {"gateway": [DocumentDeleted.topic]}
    assert await Sweeper(databases, more).sweep() == 1


async def test_a_database_that_was_made_anew_is_given_all_that_there_is(databases):
    (event_id,) = await published(databases["gateway"], 1)
    for consumer in ("ingest", "synth"):
        await handled(databases[consumer], consumer, [event_id])
    assert await Sweeper(databases, CONSUMED).sweep() == 0
    async with databases["synth"].transaction() as connection:
        for table in (inbox, sweeps):
            await connection.execute(delete(table))
    await asyncio.sleep(0.002)
    assert await Sweeper(databases, CONSUMED).sweep() == 1


async def test_jobs_of_a_process_that_is_gone_are_free_again_and_it_is_fenced_off(databases):
    database = databases["synth"]
    async with database.transaction() as connection:
        for subject in ("running", "waiting"):
            job = NewJob(kind="speak", payload=Payload(), subject=subject)
            await apply(connection, [job], None)
        [held] = await claim(connection, SPEAKING, 60_000)
    assert await release_left(databases.values()) == 1
    async with database.transaction() as connection:
        assert not await end(connection, held)
        [again] = await claim(connection, SPEAKING, 60_000)
        assert (again.id, again.attempts) == (held.id, held.attempts)
        assert (held.crashes, again.crashes) == (0, 1)
        assert await end(connection, again)
        left = await connection.execute(select(jobs.c.subject))
        assert left.scalars().all() == ["waiting"]
    assert await release_left(databases.values()) == 0
