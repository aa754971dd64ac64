"""Rows of the core tables as values: which columns are read, and what types they have.

Tuples rather than dataclasses, for every event that is sent is one: making it is a third of the
cost.
"""

from typing import NamedTuple

from sqlalchemy import Select, select

from libs.common.store.tables import events


class StoredEvent(NamedTuple):
    """An event as the table has it: text and bytes, ready for the wire."""

    id: int
    event_id: str
    stream: str
    version: int
    topic: str
    key: str
    body: bytes
    occurred_at: str
    traceparent: str | None


def select_stored() -> Select[*tuple[object, ...]]:
    """Return a query of all events; ``StoredEvent._make`` takes its rows."""
    return select(*(events.c[name] for name in StoredEvent._fields))
