"""An event that is newer than the service, as in a deployment in the wrong order, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.dead_letters import Record
from libs.common.processing.delivery import Taken
from tests.faults.replica import NEWER, OneTopic, Replica, assigned, driver, one_topic, until

STILL_S = 1.0


class Upgraded(Replica):
    """The same service of a newer release, which knows the version."""

    async def take(self, records: Sequence[Record]) -> Sequence[Taken]:
        known = b'{"version":%d,' % DocumentDeleted.version
        return await super().take(
            [replace(found, value=(found.value or b"").replace(NEWER, known)) for found in records]
        )


@pytest.fixture
async def topic(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[OneTopic]:
    async with one_topic(kafka_bootstrap, tmp_path, partitions=2) as made:
        yield made


async def test_one_partition_is_paused_and_the_other_goes_on(topic: OneTopic) -> None:
    sent = {await topic.send(partition) for partition in (0, 0, 0, 1)}
    await topic.send(0, newer=True)
    await topic.send(0)
    async with topic.replica() as (replica, broker):
        await until(lambda: replica.paused == 1)
        await topic.until_handled(sent)
        sent |= {await topic.send(1) for _ in range(3)}
        await topic.send(0)
        await topic.until_handled(sent)
        met = list(replica.taken)
        await asyncio.sleep(STILL_S)
        assert replica.taken == met, "what is paused does not come again and again"
    seen = [offset for partition, offset in met if partition == 0]
    assert seen in ([0, 1, 2, 3], [0, 1, 2, 3, 4]), "once, and what came along with it"
    assert await topic.handled() == sent
    async with topic.replica() as (replica, broker):
        await until(lambda: replica.paused == 1)
        assert await driver(broker).committed(TopicPartition(topic.topic, 0)) == 3
        assert await driver(broker).committed(TopicPartition(topic.topic, 1)) == 4
    assert replica.taken[0] == (0, 3), "a restart meets it again, and nothing before it"
    assert await topic.handled() == sent


async def test_who_is_given_a_partition_pauses_it_and_who_gave_it_up_does_not(
    topic: OneTopic,
) -> None:
    for partition in (0, 1):
        await topic.send(partition, newer=True)
    async with topic.replica() as (first, _):
        await until(lambda: first.paused == 2)
        async with topic.replica() as (second, _):
            await until(lambda: first.paused == second.paused == 1)
        await until(lambda: first.paused == 2)
    assert await topic.handled() == set()


async def test_a_newer_replica_goes_on_exactly_there_once_the_older_ones_have_left(
    topic: OneTopic,
) -> None:
    sent = {await topic.send(partition) for partition in (0, 0, 1)}
    newer, behind = await topic.send(0, newer=True), await topic.send(0)
    async with topic.replica() as (first, of_first):
        await until(lambda: first.paused == 1)
        async with topic.replica() as (second, of_second):
            await until(lambda: assigned(of_first) == assigned(of_second) == 1)
            await until(lambda: first.paused + second.paused == 1)
            sent |= {await topic.send(1)}
            await topic.until_handled(sent)
        async with topic.replica(Upgraded) as (upgraded, of_upgraded):
            await until(lambda: assigned(of_upgraded) == 1)
            await of_first.stop()  # it leaves the group, as at the end of its process
            await topic.until_handled(sent | {newer, behind})
            assert upgraded.paused == 0
            assert [offset for partition, offset in upgraded.taken if partition == 0][-2:] == [2, 3]
