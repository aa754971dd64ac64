"""What relay and dead letters send with: a Kafka producer that is replaced once it has failed.

An idempotent producer numbers what it sends to each partition. After a batch that it gave up, as in
an outage, the broker waits for that batch's number and refuses all that follow
(OutOfOrderSequenceNumber), and aiokafka's producer never sends again. A new one starts to count
anew. What the old one sent without learning of it is sent twice, with the same event ids.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from libs.common.contracts.cloudevents import Headers
from libs.common.errors import Unavailable
from libs.common.kafka.broker import missing_topics
from libs.common.kafka.lanes import Lane, lanes_of
from libs.common.processing.outgoing import Outcome, OutgoingRecord

log = structlog.get_logger(__name__)

STOP_PATIENCE_S = 2.0
SEND_PATIENCE_S = 10.0
"""How long a batch, or a topic that is not there, is waited for; an election takes less."""


class Sender:
    """Sends with a producer made by ``make``, connecting when there is none."""

    def __init__(
        self, make: Callable[[], AIOKafkaProducer], *, patience_s: float = SEND_PATIENCE_S
    ) -> None:
        self._make = make
        self._patience_s = patience_s
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._stopped = False

    @property
    def connected(self) -> AIOKafkaProducer:
        """The producer. Raises Unavailable while there is none."""
        if self._producer is None:
            raise Unavailable("not connected to the broker yet")
        return self._producer

    async def connect(self) -> None:
        """Connect, unless it is.

        Raises:
            Unavailable: The broker does not answer, or this was stopped.
        """
        if self._stopped:
            raise Unavailable("the service is stopping")
        async with self._connecting:
            if self._producer is None:
                candidate = self._make()
                try:
                    async with asyncio.timeout(self._patience_s):
                        await candidate.start()
                except BaseException as error:  # also when the service stops while it starts
                    self._let_go(candidate)
                    if isinstance(error, KafkaError | OSError | TimeoutError):
                        raise Unavailable("the broker did not answer") from error
                    raise
                if self._stopped:
                    self._let_go(candidate)
                    raise Unavailable("the service is stopping")
                self._producer = candidate

    async def missing_topics(self, wanted: Iterable[str]) -> list[str]:
        """Return those of ``wanted`` that the cluster does not have.

        A producer that gets no answer is replaced: its connection may be one that the network has
        forgotten, and nothing else would notice while there is nothing to send.

        Raises:
            Unavailable: The broker does not answer.
        """
        await self.connect()
        producer = self.connected
        try:
            return await missing_topics(producer, wanted)
        except Unavailable:
            if self._producer is producer:  # else somebody has replaced it meanwhile
                self.drop()
            raise

    async def send_all(self, records: Sequence[OutgoingRecord]) -> Sequence[Outcome]:
        """Send records, and return what became of each, in their order.

        Records of one topic and key are stored in their order: none is behind one that is to be
        sent again. One that is refused stops no other; those that it was sent with are sent again,
        one at a time, none of them twice.

        Raises:
            Unavailable: The broker does not answer at all.
        """
        outcomes: dict[int, Outcome] = {}
        lanes = await self._first_round(records, outcomes)
        while lanes:
            try:
                await self.connect()
                producer = self.connected
            except Unavailable as error:
                outcomes |= {place: error for lane in lanes for place in lane.waiting}
                break
            sending = [lane.send(producer, records, outcomes, self._patience_s) for lane in lanes]
            await asyncio.gather(*sending)
            lanes = self._unfinished(lanes)
        return [outcomes[place] for place in range(len(records))]

    async def _first_round(
        self, records: Sequence[OutgoingRecord], outcomes: dict[int, Outcome]
    ) -> list[Lane]:
        """Send what can be sent; return the lanes of which something waits."""
        await self.connect()
        producer, lanes = self.connected, []
        by_topic: defaultdict[str, list[int]] = defaultdict(list)
        for place, record in enumerate(records):
            by_topic[record.topic].append(place)

        async def send_topic(topic: str, places: Sequence[int]) -> None:
            try:
                async with asyncio.timeout(self._patience_s):
                    mine = await lanes_of(producer, topic, places, records)
            except (KafkaError, TimeoutError) as error:
                missing = Unavailable(f"the topic cannot be found ({type(error).__name__})")
                outcomes.update(dict.fromkeys(places, missing))
                return
            lanes.extend(mine)
            sending = [lane.send(producer, records, outcomes, self._patience_s) for lane in mine]
            await asyncio.gather(*sending)

        await asyncio.gather(*(send_topic(*one) for one in by_topic.items()))
        return self._unfinished(lanes)

    def _unfinished(self, lanes: Sequence[Lane]) -> list[Lane]:
        if any(lane.failed for lane in lanes):
            self.drop()
        return [lane for lane in lanes if lane.waiting]

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes | None, *, headers: Headers
    ) -> Any:
        """Store one record and wait until the broker has it.

        Raises:
            Unavailable: The broker did not take it.
        """
        await self.connect()
        try:
            return await self.connected.send_and_wait(topic, value, key, headers=headers)
        except KafkaError as error:
            self.drop()
            raise Unavailable("the broker did not take a record") from error

    def drop(self) -> None:
        """Have the next record sent by a new producer; this one ends by itself."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._let_go(producer)

    def _let_go(self, producer: AIOKafkaProducer) -> None:
        leaving = asyncio.create_task(_stop(producer), name="kafka producer stop")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def stop(self, patience_s: float = STOP_PATIENCE_S) -> None:
        """Disconnect for good. A producer that cannot send its last records is cancelled."""
        self._stopped = True
        self.drop()
        if self._leaving:
            _, late = await asyncio.wait(self._leaving, timeout=patience_s)
            for hanging in late:
                hanging.cancel()


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except KafkaError as error:  # it failed before; stopping tells of it again
        log.info("a producer ended with an error", error=type(error).__name__)
