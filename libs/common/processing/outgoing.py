"""Records that are to be stored by the broker, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from libs.common.contracts.cloudevents import Headers
from libs.common.errors import Unavailable


class OutgoingRecord(NamedTuple):
    """One record, ready for the wire."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class Acknowledged:
    """The broker has it."""


@dataclass(frozen=True)
class RefusedRecord:
    """The broker will never take it as it is; ``reason`` is the type of its error."""

    reason: str


Outcome: TypeAlias = Acknowledged | RefusedRecord | Unavailable
"""Unavailable: it is to be sent again; the broker may have it all the same."""


class EventProducer(Protocol):
    """What the relay needs of :class:`libs.common.kafka.sender.Sender`."""

    async def send_all(self, records: Sequence[OutgoingRecord]) -> Sequence[Outcome]:
        """Send records, and return what became of each, in their order.

        Records of one topic and key are stored in their order: none is behind one that is to be
        sent again. One that is refused stops no other.

        Raises:
            Unavailable: The broker does not answer at all.
        """
        ...
