"""Reading one's own past: the streams of the event store, as jobs and commands see them."""

from collections.abc import Sequence
from typing import TypeVar

from libs.common.database import Database
from libs.common.event_store import load
from libs.common.events import Event

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
        return [each for each in found if isinstance(each, event)]
