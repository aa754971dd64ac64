import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import select

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing import relay as relay_module
from libs.common.processing.outgoing import Acknowledged, Outcome, OutgoingRecord, RefusedRecord
from libs.common.processing.relay import Relay
from libs.common.store import leases
from libs.common.store.effects import apply
from libs.common.store.outbox import count_refused, count_unsent
from libs.common.store.tables import events, outbox


class Producer:
    """Keeps what it is given; ``answer`` says what becomes of a record."""

    def __init__(self):
        self.sent = []
        self.away = False
        self.answer: Callable[[OutgoingRecord], Outcome] = lambda record: Acknowledged()

    async def send_all(self, records):
        if self.away:
            raise Unavailable("gone")
        outcomes = [self.answer(record) for record in records]
        self.sent += [
            record
            for record, outcome in zip(records, outcomes, strict=True)
            if isinstance(outcome, Acknowledged)
        ]
        return outcomes

    @property
    def codes(self):
        return [DocumentRejected.read(record.value).code for record in self.sent]


def rejected(code, document_id=None):
    return DocumentRejected(
        document_id=document_id or uuid4(), owner_id=uuid4(), code=code, details=None
    )


async def add(database, *added):
    async with database.transaction() as connection:
        await apply(connection, added, "00-11111111111111111111111111111111-2222222222222222-01")
    return added


async def add_many(database, count):
    return await add(database, *(rejected(f"x{number}") for number in range(count)))


async def unsent(database):
    async with database.reading() as connection:
        return await count_unsent(connection)


def relay(database, producer, **options):
    return Relay(
        database=database,
        producer=producer,
        source="/lectern/ingest",
        metrics=Metrics("ingest"),
        **{"batch_size": 500, "poll_interval_s": 0.05, "lease_ms": 10_000} | options,
    )


@pytest.fixture
def patient(monkeypatch):
    """A topic that failed is held back for a hundredth of a second."""
    monkeypatch.setattr(relay_module, "delay_s", lambda failures, cap_s: 0.01)


async def test_events_go_out_in_order_with_their_attributes(database):
    added = await add_many(database, 5)
    producer = Producer()
    assert await relay(database, producer).send_batch() == 5
    assert [record.value for record in producer.sent] == [event.encode() for event in added]
    first = producer.sent[0]
    assert first.topic == "document.rejected"
    assert first.key == str(added[0].document_id).encode()
    sent = dict(first.headers)
    assert sent["ce_id"] == str(added[0].event_id).encode()
    assert sent["ce_source"] == b"/lectern/ingest"
    assert (sent["ce_subject"], sent["ce_stream"]) == (first.key, added[0].stream.encode())
    assert sent["ce_streamversion"] == b"1"
    assert sent["traceparent"].startswith(b"00-1111")
    assert await unsent(database) == 0


async def test_sending_changes_no_row_of_the_events(database):
    await add_many(database, 2)
    before = await database.fetch(select(events).order_by(events.c.id))
    await relay(database, Producer()).send_batch()
    assert await database.fetch(select(events).order_by(events.c.id)) == before
    assert await database.fetch(select(outbox.c.id)) == []


async def test_what_fails_is_sent_again_with_the_same_id(database, patient):
    [event] = await add_many(database, 1)
    producer = Producer()
    producer.answer = lambda record: Unavailable("later")
    sending = relay(database, producer)
    assert await sending.send_batch() == 1
    assert await unsent(database) == 1
    producer.answer = lambda record: Acknowledged()
    await asyncio.sleep(0.02)
    await sending.send_batch()
    assert dict(producer.sent[0].headers)["ce_id"] == str(event.event_id).encode()
    assert await unsent(database) == 0


async def test_neighbors_of_a_failed_row_are_sent_once(database, patient):
    await add_many(database, 6)
    producer = Producer()
    failures = 5

    def answer(record):
        nonlocal failures
        if DocumentRejected.read(record.value).code == "x2" and failures:
            failures -= 1
            return Unavailable("later")
        return Acknowledged()

    producer.answer = answer
    sending = relay(database, producer)
    task = asyncio.create_task(sending.run())
    async with asyncio.timeout(20):
        while await unsent(database):
            await asyncio.sleep(0.01)
    sending.stop()
    await task
    assert sorted(producer.codes) == [f"x{number}" for number in range(6)]


async def test_a_refused_row_is_set_aside_with_an_alarm_and_stops_nobody(database):
    document = uuid4()
    await add(database, *(rejected(code, document) for code in ("before", "bad", "after")))
    producer = Producer()
    producer.answer = lambda record: (
        RefusedRecord("MessageSizeTooLargeError")
        if DocumentRejected.read(record.value).code == "bad"
        else Acknowledged()
    )
    sending = relay(database, producer)
    with structlog.testing.capture_logs() as logs:
        await sending.send_batch()
    assert producer.codes == ["before", "after"]
    assert await sending.send_batch() == 0
    async with database.reading() as connection:
        assert await count_refused(connection) == 1
        assert await count_unsent(connection) == 0
    [told] = [log for log in logs if log["log_level"] == "error"]
    assert told["error"] == "MessageSizeTooLargeError"
    assert told["stream"] == f"document/{document}"


async def test_a_topic_that_fails_holds_up_no_other(database, monkeypatch):
    monkeypatch.setattr(relay_module, "delay_s", lambda failures, cap_s: 3600.0)
    owner = {"document_id": uuid4(), "owner_id": uuid4()}
    deleted = [DocumentDeleted(**owner, deleted_by=uuid4()) for _ in range(3)]
    await add(database, *deleted, rejected("x0"))
    producer = Producer()
    producer.answer = lambda record: (
        Unavailable("no leader") if record.topic == DocumentDeleted.topic else Acknowledged()
    )
    sending = relay(database, producer, batch_size=2)
    task = asyncio.create_task(sending.run())
    async with asyncio.timeout(20):
        while await unsent(database) > 3:
            await asyncio.sleep(0.01)
    assert producer.codes == ["x0"]
    sending.stop()
    await task


async def test_a_topic_whose_wait_ends_while_another_is_sent_is_not_forgotten(
    database, monkeypatch
):
    monkeypatch.setattr(relay_module, "delay_s", lambda failures, cap_s: 0.2)
    owner = {"document_id": uuid4(), "owner_id": uuid4()}
    await add(database, DocumentDeleted(**owner, deleted_by=uuid4()))
    producer = SlowProducer()
    sending = relay(database, producer, poll_interval_s=3600.0)
    task = asyncio.create_task(sending.run())
    try:
        async with asyncio.timeout(20):
            await producer.failed.wait()
            await add(database, rejected("x0"))
            while await unsent(database):
                await asyncio.sleep(0.01)
    finally:
        sending.stop()
        await task


async def test_a_topic_that_is_full_waits_and_others_go_on(database):
    full = {DocumentDeleted.topic}
    first, last = [
        DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4()) for _ in range(2)
    ]
    await add(database, first, rejected("x0"), last)
    producer = Producer()
    sending = relay(database, producer, poll_interval_s=3600.0, full_topics=lambda: frozenset(full))
    task = asyncio.create_task(sending.run())
    try:
        async with asyncio.timeout(20):
            while await unsent(database) > 2:
                await asyncio.sleep(0.01)
            full.clear()
            while await unsent(database):
                await asyncio.sleep(0.01)
    finally:
        sending.stop()
        await task
    topics = [record.topic for record in producer.sent]
    assert topics == [DocumentRejected.topic, DocumentDeleted.topic, DocumentDeleted.topic]


async def test_what_is_full_when_it_stops_stays_in_the_outbox(database):
    await add(database, rejected("x0"))
    full = frozenset({DocumentRejected.topic})
    sending = relay(database, Producer(), full_topics=lambda: full)
    sending.stop()
    await asyncio.wait_for(sending.run(), 20)
    assert await unsent(database) == 1


class SlowProducer(Producer):
    """Fails the first time, and takes longer for the second than one waits after a failure."""

    def __init__(self):
        super().__init__()
        self.failed = asyncio.Event()

    async def send_all(self, records):
        if not self.failed.is_set():
            self.failed.set()
            return [Unavailable("no leader")] * len(records)
        await asyncio.sleep(0.0 if self.sent else 0.5)
        return await super().send_all(records)


async def test_it_survives_an_outage_and_sends_the_rest_when_stopped(database, patient):
    producer = Producer()
    producer.away = True
    sending = relay(database, producer, batch_size=2)
    task = asyncio.create_task(sending.run())
    await add_many(database, 5)
    await asyncio.sleep(0.1)
    producer.away = False
    sending.stop()
    async with asyncio.timeout(20):
        await task
    assert await unsent(database) in (0, 5)
    while await unsent(database):  # it was stopped in the middle of the outage
        await relay(database, producer).send_batch()
    assert len(producer.sent) == 5


async def test_a_transaction_that_commits_late_is_not_overlooked(database):
    """Ids are dealt before they are committed: a cursor on the highest id would lose the first."""
    if database.sqlite:
        pytest.skip("SQLite has one writer at a time")
    producer = Producer()
    sending = relay(database, producer)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        async with database.transaction() as connection:
            await apply(connection, [rejected("slow")], None)
            begun.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    await add_many(database, 3)
    await sending.send_batch()
    go_on.set()
    await task
    await sending.send_batch()
    assert len(producer.sent) == 4


@pytest.mark.slow
async def test_one_relay_at_a_time(database):
    first, second = Producer(), Producer()
    one = relay(database, first, poll_interval_s=0.02, lease_ms=300)
    other = relay(database, second, poll_interval_s=0.02, lease_ms=300)
    tasks = [asyncio.create_task(sending.run()) for sending in (one, other)]
    await add_many(database, 20)
    async with asyncio.timeout(20):
        while await unsent(database):
            await asyncio.sleep(0.02)
    assert sorted((len(first.sent), len(second.sent))) == [0, 20]
    one.stop()
    other.stop()
    await asyncio.gather(*tasks)


async def test_who_was_followed_takes_nothing_out(database):
    """It was frozen while it sent; another relay leads by then."""
    await add_many(database, 1)

    async def be_followed(records):
        async with database.transaction() as connection:
            await leases.release_all_leases(connection)
        async with database.transaction() as connection:
            assert await leases.take(connection, relay_module.LEASE, 60_000)
        return [Acknowledged() for _ in records]

    await relay(database, SimpleNamespace(send_all=be_followed)).send_batch()
    assert await unsent(database) == 1
