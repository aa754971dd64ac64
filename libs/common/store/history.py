"""Reading one's own past: the streams of the event store, as jobs and commands see them."""

from collections.abc import Sequence
from typing import TypeVar

from libs.common.contracts.base import Event
from libs.common.database.engine import Database
from libs.common.store.event_store import load

E = TypeVar("E", bound=Event)


class History:
    """Streams by name, each read from a fresh snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, stream: str, event: type[E]) -> list[E]:
        """Return the events of one type in ``stream``, oldest first."""
        return await self.of_many([stream], event)

    async def of_many(self, streams: Sequence[str], event: type[E]) -> list[E]:
        """Return the events of one type in any of ``streams``, oldest first."""
        async with self._database.reading() as connection:
            found = await load(connection, streams, event.topic)
        return [stored for stored in found if isinstance(stored, event)]
