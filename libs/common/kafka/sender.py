"""What relay and dead letters send with: a Kafka producer that is replaced once it has failed.

An idempotent producer numbers what it sends to each partition. After a batch that it gave up, as in
an outage, the broker waits for that batch's number and refuses all that follow
(OutOfOrderSequenceNumber), and aiokafka's producer never sends again. A new one starts to count
anew. What the old one sent without learning of it is sent twice, with the same event ids.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from libs.common.contracts.cloudevents import Headers
from libs.common.errors import Unavailable

log = structlog.get_logger(__name__)

STOP_PATIENCE_S = 2.0


class Sender:
    """Sends with a producer made by ``make``, connecting when there is none."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> AIOKafkaProducer:
        """The producer. Raises Unavailable while there is none."""
        if self._producer is None:
            raise Unavailable("not connected to the broker yet")
        return self._producer

    async def connect(self) -> None:
        """Connect, unless it is.

        Raises:
            Unavailable: The broker does not answer.
        """
        async with self._connecting:
            if self._producer is None:
                candidate = self._make()
                try:
                    await candidate.start()
                except BaseException as error:  # also when the service stops while it starts
                    await candidate.stop()
                    if isinstance(error, KafkaError | OSError):
                        raise Unavailable("the broker did not answer") from error
                    raise
                self._producer = candidate

    async def send(
        self, topic: str, value: bytes, key: bytes, *, headers: Headers
    ) -> Awaitable[Any]:
        """Queue one record; the returned future is done when the broker has it.

        If either fails, :meth:`drop` the producer: it will not work again.
        """
        await self.connect()
        future: asyncio.Future[Any] = await self.connected.send(topic, value, key, headers=headers)
        return future

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
            leaving = asyncio.create_task(_stop(producer), name="kafka producer stop")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def stop(self, patience_s: float = STOP_PATIENCE_S) -> None:
        """Disconnect. A producer that cannot send its last records is cancelled."""
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
