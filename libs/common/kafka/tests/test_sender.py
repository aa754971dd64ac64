import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError, OutOfOrderSequenceNumber

from libs.common.errors import Unavailable
from libs.common.kafka.sender import Sender


class Producer:
    """Behaves like aiokafka's: once a record has failed, all do."""

    def __init__(self, *, away=False, breaks=False, hangs=False):
        self.away, self.breaks, self.hangs = away, breaks, hangs
        self.sent = []
        self.state = "new"

    async def start(self):
        if self.away:
            raise KafkaConnectionError
        self.state = "started"

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

    async def send(self, topic, value, key, *, headers):
        done = asyncio.get_running_loop().create_future()
        done.set_result(await self.send_and_wait(topic, value, key, headers=headers))
        return done


def sender_of(*producers):
    made = iter(producers)
    return Sender(lambda: next(made))


async def test_one_producer_sends_everything():
    producer = Producer()
    sender = sender_of(producer)
    await asyncio.gather(sender.connect(), sender.connect())
    await (await sender.send("a", b"1", b"key", headers=[]))
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
    assert away.state == "stopped"
    with pytest.raises(Unavailable):
        _ = sender.connected
    await sender.send("a", b"1", b"key", headers=[])
    assert sender.connected is there
    await sender.stop()


async def test_stopping_does_not_wait_for_a_producer_that_hangs():
    sender = sender_of(Producer(hangs=True))
    await sender.connect()
    await asyncio.wait_for(sender.stop(patience_s=0.01), 5)
