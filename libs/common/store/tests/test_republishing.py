import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, text

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.store import outbox, republishing
from libs.common.store.event_store import append
from libs.common.store.republishing import Chosen, Step, count_by_topic, next_places, republish
from libs.common.store.rows import select_stored
from libs.common.store.tables import events
from libs.common.store.tables import outbox as outbox_rows

DAY = datetime(2026, 1, 1, tzinfo=UTC)


async def everything(database):
    return await database.fetch(select_stored().order_by(events.c.id))


@pytest.fixture
async def sent(database):
    """Nine events of three documents, an hour apart, all sent at 1000 ms; each third a deletion."""
    documents = [uuid4() for _ in range(3)]
    about = [{"document_id": document, "owner_id": uuid4()} for document in documents]
    happened = [
        DocumentDeleted(**about[n // 3], deleted_by=uuid4(), occurred_at=DAY + timedelta(hours=n))
        if n % 3 == 2
        else DocumentRejected(
            **about[n // 3], code="c", occurred_at=DAY + timedelta(hours=n), details=None
        )
        for n in range(9)
    ]
    async with database.transaction() as connection:
        await append(connection, happened)
        await connection.execute(delete(outbox_rows))
    return await everything(database)


class Relay:
    """Sends what waits, a few at a time, and keeps it."""

    def __init__(self, database, at_once=2):
        self.sent, self.most = [], 0
        self._database, self._at_once = database, at_once

    async def run(self):
        while True:
            async with self._database.transaction() as connection:
                self.most = max(self.most, await outbox.count_unsent(connection))
                batch = await outbox.unsent(connection, self._at_once)
                if batch:
                    ids = [row.id for row in batch]
                    await connection.execute(delete(outbox_rows).where(outbox_rows.c.id.in_(ids)))
            self.sent += batch
            await asyncio.sleep(0.001)


@pytest.fixture
async def relay(database):
    relay = Relay(database)
    running = asyncio.create_task(relay.run())
    yield relay
    running.cancel()
    await asyncio.wait([running])  # or the database is closed under it


def shown(_):
    """Nobody looks."""


async def test_what_is_chosen_comes_again_as_it_was(database, sent, relay):
    chosen = Chosen(topics=[DocumentRejected.topic])
    assert await count_by_topic(database, chosen) == {DocumentRejected.topic: 6}
    assert await republish(database, chosen, shown) == 6
    assert relay.sent == [row for row in sent if row.topic == DocumentRejected.topic]
    assert await everything(database) == sent


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, range(9)),
        ({"topics": [DocumentDeleted.topic]}, [2, 5, 8]),
        ({"since": rfc3339(DAY + timedelta(hours=7))}, [7, 8]),
        ({"until": rfc3339(DAY + timedelta(hours=2))}, [0, 1]),
        (
            {"since": rfc3339(DAY + timedelta(hours=2)), "topics": [DocumentDeleted.topic]},
            [2, 5, 8],
        ),
        ({"topics": ["audio.ready"]}, []),
        ({"refused": True}, []),
    ],
)
async def test_all_that_is_given_has_to_be_true(database, sent, limits, expected):
    chosen = Chosen(**limits)
    async with database.reading() as connection:
        places = await next_places(connection, chosen, 0, sent[-1].id)
    assert places == [sent[number].id for number in expected]


async def test_one_stream(database, sent, relay):
    stream = sent[4].stream
    assert await republish(database, Chosen(stream=stream), shown) == 3
    assert relay.sent == sent[3:6]


async def test_few_wait_at_a_time(database, sent, relay, monkeypatch):
    monkeypatch.setattr(republishing, "MOST_ASKED", 2)
    monkeypatch.setattr(republishing, "MOST_WAITING", 1)
    monkeypatch.setattr(republishing, "LOOK_EVERY_S", 0.001)
    steps: list[Step] = []
    assert await republish(database, Chosen(), steps.append) == 9
    assert [row.id for row in relay.sent] == [row.id for row in sent]
    assert relay.most <= 3
    assert max(step.waiting for step in steps) > 0
    assert (steps[-1].marked, steps[-1].waiting) == (9, 0)


async def test_an_interrupted_run_goes_on_where_it_was(database, sent, monkeypatch):
    monkeypatch.setattr(republishing, "MOST_ASKED", 4)
    monkeypatch.setattr(republishing, "MOST_WAITING", 3)
    steps: list[Step] = []
    with pytest.raises(TimeoutError):  # nothing sends
        await asyncio.wait_for(republish(database, Chosen(), steps.append), 0.5)
    chosen = Chosen(after=steps[-1].place)
    relay = Relay(database)
    running = asyncio.create_task(relay.run())
    assert await republish(database, chosen, shown) == 5
    running.cancel()
    await asyncio.wait([running])
    assert [row.id for row in relay.sent] == [row.id for row in sent]


async def test_what_was_refused_comes_again_and_nothing_else(database, sent, relay):
    async with database.transaction() as connection:
        rows = [
            {"id": sent[2].id, "refused": "TooLarge"},
            {"id": sent[7].id, "refused": "TooLarge"},
        ]
        await connection.execute(insert(outbox_rows), rows)
    chosen = Chosen(refused=True)
    assert await count_by_topic(database, chosen) == {
        DocumentDeleted.topic: 1,
        DocumentRejected.topic: 1,
    }
    assert await republish(database, chosen, shown) == 2
    assert relay.sent == [sent[2], sent[7]]


async def test_what_is_appended_meanwhile_is_not_sent_twice(database, sent, relay, monkeypatch):
    monkeypatch.setattr(republishing, "MOST_ASKED", 4)
    happened = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    appended = False

    def once(step):
        nonlocal appended
        if not appended:
            appended = True
            asyncio.get_running_loop().create_task(add())

    async def add():
        async with database.transaction() as connection:
            await append(connection, [happened])

    assert await republish(database, Chosen(), once) == 9
    async with asyncio.timeout(20):
        while len(relay.sent) < 10:
            await asyncio.sleep(0.01)
    assert [row.event_id for row in relay.sent].count(str(happened.event_id)) == 1


@pytest.mark.slow
async def test_an_index_finds_the_events_of_a_stream(database):
    def row(number):
        return {
            "event_id": str(UUID(int=number)),
            "stream": f"document/{number}",
            "version": 1,
            "topic": "audio.ready" if number % 500 == 0 else "audio.progressed",
            "key": str(number),
            "body": b"{}",
            "occurred_at": rfc3339(DAY),
        }

    async with database.transaction() as connection:
        await connection.execute(insert(events), [row(number) for number in range(5000)])
    async with database.transaction() as connection:
        await connection.execute(text("ANALYZE"))
    conditions = Chosen(stream="document/7").conditions()
    wanted = select(events.c.id).where(*conditions, events.c.id > 0).order_by(events.c.id)
    explain = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
    literal = wanted.limit(1000).compile(database.engine, compile_kwargs={"literal_binds": True})
    async with database.reading() as connection:
        plan = "\n".join(str(row) for row in await connection.execute(text(f"{explain} {literal}")))
    assert "uq_events_stream_version" in plan or "autoindex" in plan
