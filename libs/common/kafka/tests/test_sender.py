import asyncio

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)

from libs.common.errors import Unavailable
from libs.common.kafka.sender import Sender
from libs.common.processing.outgoing import Acknowledged, OutgoingRecord, RefusedRecord


class Producer:
    """Behaves like aiokafka's: once a record has failed, all do. It is its own client."""

    def __init__(self, *, away=False, breaks=False, hangs=False, silent=False):
        self.away, self.breaks, self.hangs, self.silent = away, breaks, hangs, silent
        self.client = self
        self.sent = []
        self.state = "new"

    async def start(self):
        if self.away:
            raise KafkaConnectionError
        if self.silent:
            await asyncio.Event().wait()
        self.state = "started"

    async def fetch_all_metadata(self):
        if self.breaks:
            raise KafkaConnectionError
        return self

    def topics(self):
        return {"a"}

    async def stop(self):
        if self.hangs:
            await asyncio.Event().wait()
        self.state = "stopped"
        if self.breaks:
            raise OutOfOrderSequenceNumber

    async def send_and_wait(self, topic, value, key, *, headers):
        if self.breaks:
            raise OutOfOrderSequenceNumber
        self.sent.append(value)
        return topic, value

    async def partitions_for(self, topic):
        if topic == "missing":
            await asyncio.Event().wait()
        return {0}

    def create_batch(self):
        return Batch()

    async def send_batch(self, batch, topic, *, partition):
        done = asyncio.get_running_loop().create_future()
        if self.state == "broken":
            done.set_exception(OutOfOrderSequenceNumber())
        elif TOO_LARGE in batch.values:
            self.state = "broken"  # the broker waits for the number of this batch
            done.set_exception(MessageSizeTooLargeError())
        else:
            self.sent += batch.values
            done.set_result(None)
        return done


class Batch:
    def __init__(self):
        self.values = []

    def append(self, *, key, value, timestamp, headers):
        self.values.append(value)
        return object()

    def close(self):
        pass


TOO_LARGE = b"large"


def records(*values, topic="a"):
    return [OutgoingRecord(topic, b"key", value, []) for value in values]


def sender_of(*producers):
    made = iter(producers)
    return Sender(lambda: next(made))


async def test_one_producer_sends_everything():
    producer = Producer()
    sender = sender_of(producer)
    await asyncio.gather(sender.connect(), sender.connect())
    assert await sender.send_all(records(b"1")) == [Acknowledged()]
    await sender.send_and_wait("a", b"2", b"key", headers=[])
    await sender.stop()
    assert (producer.sent, producer.state) == ([b"1", b"2"], "stopped")


async def test_a_producer_that_failed_is_replaced():
    broken, new = Producer(breaks=True), Producer()
    sender = sender_of(broken, new)
    with pytest.raises(Unavailable):
        await sender.send_and_wait("a", b"1", b"key", headers=[])
    await sender.send_and_wait("a", b"1", b"key", headers=[])
    assert sender.connected is new
    await sender.stop()
    assert (broken.state, new.state, new.sent) == ("stopped", "stopped", [b"1"])


async def test_while_the_broker_is_away_nothing_is_connected():
    away, there = Producer(away=True), Producer()
    sender = sender_of(away, there)
    with pytest.raises(Unavailable):
        await sender.connect()
    with pytest.raises(Unavailable):
        _ = sender.connected
    await sender.send_all(records(b"1"))
    assert sender.connected is there
    await sender.stop()
    assert (away.state, there.state) == ("stopped", "stopped")


async def test_a_broker_that_says_nothing_is_not_waited_for_for_ever():
    silent, there = Producer(silent=True), Producer()
    made = iter([silent, there])
    sender = Sender(lambda: next(made), patience_s=0.01)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await sender.connect()
        await sender.connect()
    assert sender.connected is there
    await sender.stop()
    assert silent.state == "stopped"


async def test_whoever_asks_for_topics_has_a_dead_connection_replaced():
    """Else an idle service would stay so until it has something to send."""
    dead, new = Producer(breaks=True), Producer()
    sender = sender_of(dead, new)
    with pytest.raises(Unavailable):
        await sender.missing_topics(["a"])
    assert await sender.missing_topics(["a", "b"]) == ["b"]
    await sender.stop()


async def test_a_stopped_sender_connects_no_more():
    sender = sender_of(Producer())
    await sender.connect()
    await sender.stop()
    with pytest.raises(Unavailable):
        await sender.missing_topics(["a"])


async def test_who_connects_while_it_stops_leaves_nothing_connected(monkeypatch):
    slow, go_on = Producer(), asyncio.Event()

    async def start():
        await go_on.wait()
        slow.state = "started"

    monkeypatch.setattr(slow, "start", start)
    sender = sender_of(slow)
    connecting = asyncio.create_task(sender.connect())
    await asyncio.sleep(0)
    await sender.stop()
    go_on.set()
    with pytest.raises(Unavailable, match="stopping"):
        await connecting
    await asyncio.sleep(0)
    assert slow.state == "stopped"


async def test_a_look_at_topics_drops_no_producer_but_its_own(monkeypatch):
    dead, new = Producer(breaks=True), Producer()
    sender = sender_of(dead, new)

    async def replaced_meanwhile():
        sender.drop()
        await sender.connect()
        raise KafkaConnectionError

    monkeypatch.setattr(dead, "fetch_all_metadata", replaced_meanwhile)
    with pytest.raises(Unavailable):
        await sender.missing_topics(["a"])
    assert sender.connected is new
    await sender.stop()


async def test_a_refused_record_stops_no_other_and_each_is_sent_once():
    made = [Producer() for _ in range(4)]
    sender = sender_of(*made)
    outcomes = await sender.send_all(records(b"1", TOO_LARGE, b"2"))
    assert outcomes == [Acknowledged(), RefusedRecord("MessageSizeTooLargeError"), Acknowledged()]
    assert [producer.sent for producer in made] == [[], [b"1"], [b"2"], []]
    await sender.stop()


async def test_what_waits_behind_a_refused_record_comes_later_if_the_broker_is_away_then():
    sender = sender_of(Producer(), Producer(away=True))
    outcomes = await sender.send_all(records(b"1", TOO_LARGE))
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]


async def test_a_topic_that_is_not_there_holds_up_no_other():
    producer = Producer()
    sender = Sender(lambda: producer, patience_s=0.01)
    outcomes = await sender.send_all([*records(b"1", topic="missing"), *records(b"2")])
    assert isinstance(outcomes[0], Unavailable)
    assert outcomes[1] == Acknowledged()
    assert producer.sent == [b"2"]
    await sender.stop()


async def test_stopping_does_not_wait_for_a_producer_that_hangs():
    sender = sender_of(Producer(hangs=True))
    await sender.connect()
    await asyncio.wait_for(sender.stop(patience_s=0.01), 5)
