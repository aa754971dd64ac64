import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.documents import DocumentRejected
from libs.common.observability.metrics import Metrics
from libs.common.processing.relay import Relay
from libs.common.store.effects import apply
from libs.common.store.tables import events


class Producer:
    """Keeps what is sent; can be told to fail."""

    def __init__(self):
        self.sent = []
        self.failing = False
        self.dropped = 0

    async def send(self, topic, value, key, *, headers):
        done = asyncio.get_running_loop().create_future()
        if self.failing:
            done.set_exception(ConnectionError("gone"))
        else:
            self.sent.append((topic, value, key, dict(headers)))
            done.set_result(None)
        return done

    def drop(self):
        self.dropped += 1


async def add(database, count):
    added = [
        DocumentRejected(document_id=uuid4(), owner_id=uuid4(), code=f"x{n}", details=None)
        for n in range(count)
    ]
    async with database.transaction() as connection:
        await apply(connection, added, "00-11111111111111111111111111111111-2222222222222222-01")
    return added


async def unsent(database):
    async with database.reading() as connection:
        wanted = select(events).where(events.c.sent_at_ms.is_(None))
        return len((await connection.execute(wanted)).all())


def relay(database, producer, **options):
    return Relay(
        database=database,
        producer=producer,
        source="/lectern/ingest",
        metrics=Metrics("ingest"),
        **{"batch_size": 500, "poll_interval_s": 0.2} | options,
    )


async def test_events_go_out_in_order_with_their_attributes(database):
    added = await add(database, 5)
    producer = Producer()
    assert await relay(database, producer).send_batch() == 5
    assert [value for _, value, _, _ in producer.sent] == [event.encode() for event in added]
    topic, _, key, sent = producer.sent[0]
    assert topic == "document.rejected"
    assert key == str(added[0].document_id).encode()
    assert sent["ce_id"] == str(added[0].event_id).encode()
    assert sent["ce_source"] == b"/lectern/ingest"
    assert (sent["ce_subject"], sent["ce_stream"]) == (key, added[0].stream.encode())
    assert sent["ce_streamversion"] == b"1"
    assert sent["traceparent"].startswith(b"00-1111")
    assert await unsent(database) == 0


async def test_what_fails_is_sent_again_with_the_same_id(database):
    [event] = await add(database, 1)
    producer = Producer()
    producer.failing = True
    with pytest.raises(ConnectionError):
        await relay(database, producer).send_batch()
    assert await unsent(database) == 1
    assert producer.dropped == 1
    producer.failing = False
    await relay(database, producer).send_batch()
    assert producer.sent[0][3]["ce_id"] == str(event.event_id).encode()


async def test_it_survives_an_outage_and_sends_the_rest_when_stopped(database, monkeypatch):
    monkeypatch.setattr("libs.common.processing.relay.delay_s", lambda failures, cap_s: 0.01)
    producer = Producer()
    producer.failing = True
    sending = relay(database, producer, batch_size=2, poll_interval_s=0.05)
    task = asyncio.create_task(sending.run())
    await add(database, 5)
    await asyncio.sleep(0.1)
    producer.failing = False
    sending.stop()
    async with asyncio.timeout(20):
        await task
    assert await unsent(database) in (0, 5)
    if await unsent(database):  # it was stopped in the middle of the outage
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
            event = DocumentRejected(
                document_id=uuid4(), owner_id=uuid4(), code="slow", details=None
            )
            await apply(connection, [event], None)
            begun.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    await add(database, 3)
    await sending.send_batch()
    go_on.set()
    await task
    await sending.send_batch()
    assert len(producer.sent) == 4


@pytest.mark.slow
async def test_one_relay_at_a_time(database):
    first, second = Producer(), Producer()
    one = relay(database, first, poll_interval_s=0.02)
    other = relay(database, second, poll_interval_s=0.02)
    tasks = [asyncio.create_task(sending.run()) for sending in (one, other)]
    await add(database, 20)
    async with asyncio.timeout(20):
        while await unsent(database):
            await asyncio.sleep(0.02)
    assert sorted((len(first.sent), len(second.sent))) == [0, 20]
    one.stop()
    other.stop()
    await asyncio.gather(*tasks)
