"""Where records go that could not be handled: ``<topic>.<service>.dlq``, as they came, with why."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from libs.common.backoff import OUTAGE_CAP_S, delay_s
from libs.common.contracts.cloudevents import Headers
from libs.common.errors import Malformed, Unavailable
from libs.common.processing.failures import code_of


class DeadLetterProducer(Protocol):
    """What is needed of :class:`libs.common.kafka.sender.Sender`."""

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes | None, *, headers: Headers
    ) -> Any:
        """Store one record and wait until the broker has it.

        Raises:
            Unavailable: It did not take it.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as it came. ``timestamp_ms`` is when it was sent, since 1970 UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def place(self) -> str:
        """Tells this record from others of the event, however often it is delivered.

        Where a topic was made anew, offsets begin anew: the time tells records apart then.
        """
        return f"{self.partition}/{self.offset}/{self.timestamp_ms}"


@dataclass(frozen=True)
class DeadLetters:
    """The records that ``service`` could not handle, on topics of their own."""

    producer: DeadLetterProducer
    service: str
    max_in_place_s: float

    async def dead_letter(self, record: Record, error: Exception) -> None:
        """Keep a record, with where it came from and why; return when the broker has it.

        Raises:
            Unavailable: The broker took nothing for ``max_in_place_s``.
        """
        original = [(name, value or b"") for name, value in record.headers]
        headers = original + [
            (name, value.encode()) for name, value in _described(record, error).items()
        ]
        attempt, started = 0, perf_counter()
        while True:
            try:
                await self.producer.send_and_wait(
                    f"{record.topic}.{self.service}.dlq", record.value, record.key, headers=headers
                )
                return
            except Unavailable:  # the record would be delivered again at once
                attempt += 1
                if perf_counter() - started > self.max_in_place_s:
                    raise
                await asyncio.sleep(delay_s(attempt, cap_s=OUTAGE_CAP_S))


def _described(record: Record, error: Exception) -> dict[str, str]:
    """Errors of decoding name fields and quote nothing; any other sentence may, and stays away."""
    described = {
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_error": type(error).__name__,
        "dlq_code": code_of(error),
    }
    if isinstance(error, Malformed):
        described["dlq_reason"] = str(error)
    return described
