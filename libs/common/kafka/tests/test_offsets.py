"""Offsets on their way back to Kafka."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import TopicPartition

from libs.common.kafka import offsets as offsets_module
from libs.common.kafka.offsets import Committing, Offsets
from libs.common.kafka.pausing import PausedPartitions
from libs.common.observability.metrics import Metrics
from libs.common.processing.delivery import Taken

TOPIC = "document.deleted"


class Kafka:
    """Takes note of commits, and of where it is paused."""

    def __init__(self, error=None):
        self.commits = []
        self.positions = {}
        self.paused = {}
        self.error = error

    def seek(self, partition, offset):
        self.positions[partition] = offset

    def pause(self, partition):
        self.paused[partition] = self.positions[partition]

    async def commit(self, offsets):
        self.commits.append(offsets)
        if self.error:
            raise self.error


def came(*offsets, partition=0):
    return [SimpleNamespace(topic=TOPIC, partition=partition, offset=offset) for offset in offsets]


@pytest.mark.slow
async def test_many_batches_are_one_commit_of_what_was_dealt_with():
    offsets, kafka = Offsets(commit_every_s=0.05), Kafka()
    for number in range(10):
        await offsets.done(kafka, came(number))
    await offsets.done(kafka, came(3, 4, partition=1))
    assert kafka.commits == []
    await asyncio.sleep(0.2)
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 10, TopicPartition(TOPIC, 1): 5}]
    await offsets.done(kafka, came(10))
    await asyncio.sleep(0.2)
    assert kafka.commits[1:] == [{TopicPartition(TOPIC, 0): 11}]


async def test_what_is_dealt_with_after_the_end_has_begun_is_committed_at_once():
    """Later would be after the group was left, which is an error."""
    offsets, kafka = Offsets(commit_every_s=0.02), Kafka()
    await offsets.close()
    await offsets.done(kafka, came(7))
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]
    await asyncio.sleep(0.1)
    assert len(kafka.commits) == 1


async def test_what_is_left_is_committed_at_the_end():
    offsets, kafka = Offsets(commit_every_s=60), Kafka()
    await offsets.done(kafka, came(7))
    await offsets.close()
    await offsets.close()
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]


async def test_a_commit_that_is_refused_stops_nobody():
    offsets, kafka = Offsets(commit_every_s=60), Kafka(CommitFailedError("rebalanced"))
    await offsets.done(kafka, came(7))
    await offsets.close()
    kafka.error = None
    await offsets.done(kafka, came(8))
    await offsets.close()
    assert kafka.commits[-1] == {TopicPartition(TOPIC, 0): 9}


class Slow(Kafka):
    """Takes a commit only once it ``may``."""

    def __init__(self):
        super().__init__()
        self.may = asyncio.Event()

    async def commit(self, offsets):
        await self.may.wait()
        await super().commit(offsets)


@pytest.mark.slow
async def test_what_is_dealt_with_during_a_slow_commit_is_committed_too():
    offsets, kafka = Offsets(commit_every_s=0.02), Slow()
    await offsets.done(kafka, came(7))
    await asyncio.sleep(0.1)
    await offsets.done(kafka, came(8))
    kafka.may.set()
    await asyncio.sleep(0.2)
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}, {TopicPartition(TOPIC, 0): 9}]


@pytest.mark.slow
async def test_a_commit_that_the_end_cuts_short_is_made_again():
    offsets, kafka = Offsets(commit_every_s=0.02), Slow()
    await offsets.done(kafka, came(7))
    await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_later(0.1, kafka.may.set)
    await offsets.close()
    assert kafka.commits == [{TopicPartition(TOPIC, 0): 8}]


async def test_the_end_waits_for_no_broker_that_is_away(monkeypatch):
    monkeypatch.setattr(offsets_module, "LAST_COMMIT_S", 0.05)

    class Away:
        async def commit(self, offsets):
            await asyncio.Event().wait()

    for wait_s in (0.0, 60.0):
        offsets = Offsets(commit_every_s=wait_s)
        await offsets.done(Away(), came(7))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await offsets.close()


class Message:
    """A batch that FastStream has made; ``others`` have its partitions by now."""

    def __init__(self, *, others=False):
        self.consumer, self.raw_message = Kafka(), came(7, 8)
        self.others = others
        self.refused = 0

    async def nack(self):
        self.refused += 1
        if self.others:
            raise IllegalStateError("not assigned")


async def through(offsets, message, handler):
    paused = PausedPartitions(Metrics("ingest"))
    middleware = Committing(message.raw_message, context=None, offsets=offsets, paused=paused)
    return await middleware.consume_scope(handler, message)


def became(*outcomes):
    return [Taken(TOPIC, outcome, 0.0, None) for outcome in outcomes]


async def test_what_a_handler_returned_for_is_committed():
    offsets, message = Offsets(commit_every_s=60), Message()

    async def handler(given):
        assert given is message
        return became("handled", "duplicate")

    assert await through(offsets, message, handler) == became("handled", "duplicate")
    await offsets.close()
    assert message.consumer.commits == [{TopicPartition(TOPIC, 0): 9}]
    assert message.consumer.paused == {}
    assert message.refused == 0


async def test_what_came_before_a_pause_is_committed_and_the_rest_waits():
    offsets, message = Offsets(commit_every_s=60), Message()
    message.raw_message = [*came(7, 8, 9), *came(3, 4, partition=1)]

    async def handler(given):
        return became("handled", "paused", "paused", "handled", "handled")

    await through(offsets, message, handler)
    await offsets.close()
    first, second = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
    assert message.consumer.commits == [{first: 8, second: 5}]
    assert message.consumer.paused == {first: 8}
    assert message.refused == 0


async def test_where_nothing_came_before_a_pause_nothing_is_committed():
    offsets, message = Offsets(commit_every_s=60), Message()

    async def handler(given):
        return became("paused", "paused")

    await through(offsets, message, handler)
    await offsets.close()
    assert message.consumer.commits == []
    assert message.consumer.paused == {TopicPartition(TOPIC, 0): 7}


@pytest.mark.parametrize("others", [False, True])
async def test_what_a_handler_failed_for_comes_again_and_is_not_committed(others):
    offsets, message = Offsets(commit_every_s=60), Message(others=others)

    async def handler(given):
        raise LookupError

    with pytest.raises(LookupError):
        await through(offsets, message, handler)
    await offsets.close()
    assert (message.consumer.commits, message.refused) == ([], 1)
