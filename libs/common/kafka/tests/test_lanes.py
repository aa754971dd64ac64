import asyncio
from collections import deque

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from libs.common.errors import Unavailable
from libs.common.kafka.lanes import Lane, lanes_of
from libs.common.processing.outgoing import Acknowledged, Outcome, OutgoingRecord, RefusedRecord


class Batch:
    """As many records as aiokafka's would take of these sizes."""

    def __init__(self, most):
        self.most, self.values, self.closed = most, [], False

    def append(self, *, key, value, timestamp, headers):
        if len(self.values) == self.most:
            return None
        self.values.append(value)
        return object()

    def close(self):
        self.closed = True


class Producer:
    """Stores batches; ``refuses`` are values that it takes in no batch."""

    def __init__(self, *, most=3, refuses=(), error=MessageSizeTooLargeError, hangs=False):
        self.most, self.refuses, self.error, self.hangs = most, refuses, error, hangs
        self.stored, self.tried, self.partitions = [], [], {2, 0, 1}

    def create_batch(self):
        return Batch(self.most)

    async def partitions_for(self, topic):
        return self.partitions

    async def send_batch(self, batch, topic, *, partition):
        assert batch.closed
        self.tried.append(batch.values)
        done = asyncio.get_running_loop().create_future()
        if set(batch.values) & set(self.refuses):
            done.set_exception(self.error())
        elif not self.hangs:
            self.stored += batch.values
            done.set_result(None)
        return done


def records(count):
    return [OutgoingRecord("t", b"key", b"%d" % number, []) for number in range(count)]


def lane(count):
    return Lane(topic="t", partition=0, waiting=deque(range(count)))


async def test_batch_after_batch_in_order():
    producer, mine = Producer(), lane(7)
    outcomes: dict[int, Outcome] = {}
    await mine.send(producer, records(7), outcomes, 5.0)
    assert producer.tried == [[b"0", b"1", b"2"], [b"3", b"4", b"5"], [b"6"]]
    assert outcomes == dict.fromkeys(range(7), Acknowledged())
    assert not mine.waiting
    assert not mine.failed


async def test_a_refused_record_is_found_and_none_is_stored_twice_or_out_of_order():
    producer, mine = Producer(refuses=[b"4"]), lane(9)
    outcomes: dict[int, Outcome] = {}
    rounds = 0
    while mine.waiting:
        await mine.send(producer, records(9), outcomes, 5.0)
        rounds += 1
    assert producer.stored == [b"%d" % number for number in range(9) if number != 4]
    assert outcomes.pop(4) == RefusedRecord("MessageSizeTooLargeError")
    assert set(outcomes.values()) == {Acknowledged()}
    assert rounds == 3  # the batch, the record alone, the rest


@pytest.mark.parametrize("error", [KafkaConnectionError, TopicAuthorizationFailedError])
async def test_nothing_is_sent_behind_what_may_be_taken_later(error):
    producer, mine = Producer(refuses=[b"4"], error=error), lane(9)
    outcomes: dict[int, Outcome] = {}
    await mine.send(producer, records(9), outcomes, 5.0)
    assert producer.stored == [b"0", b"1", b"2"]
    assert [place for place, why in outcomes.items() if isinstance(why, Unavailable)] == [
        *range(3, 9)
    ]
    assert mine.failed
    assert not mine.waiting


async def test_what_is_not_answered_is_waited_for_no_longer_than_that():
    producer, mine = Producer(hangs=True), lane(4)
    outcomes: dict[int, Outcome] = {}
    async with asyncio.timeout(20):
        await mine.send(producer, records(4), outcomes, 0.01)
    assert {type(why) for why in outcomes.values()} == {Unavailable}
    assert len(producer.tried) == 1


async def test_records_of_a_key_share_a_lane():
    made = [
        OutgoingRecord("t", key, b"%d" % number, [])
        for number, key in enumerate([b"document-7", b"document-8", b"document-9"] * 4)
    ]
    lanes = await lanes_of(Producer(), "t", range(12), made)
    assert sorted(place for found in lanes for place in found.waiting) == [*range(12)]
    of_key = {made[place].key: found.partition for found in lanes for place in found.waiting}
    for found in lanes:
        assert all(of_key[made[place].key] == found.partition for place in found.waiting)
        assert list(found.waiting) == sorted(found.waiting)
    assert set(of_key.values()) <= {0, 1, 2}
