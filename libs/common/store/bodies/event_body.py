"""The column that holds the JSON of an event: a third of its bytes, on PostgreSQL.

PostgreSQL itself compresses only rows of more than 2 kB, and each row alone. A preset dictionary
has what events have in common; what is left of one are its identifiers and digests. SQLite holds
the JSON as it is, for one person's history is small and tools may read it.
"""

import zlib
from typing import Any

from sqlalchemy import LargeBinary, TypeDecorator
from sqlalchemy.engine import Dialect

from libs.common.store.bodies.event_words import EVENT_WORDS

DEFLATED = b"\x01"
"""Begins what is compressed; JSON begins with another byte."""
WINDOW_BITS = -12
"""Raw DEFLATE, 4 kB: the dictionary and a usual event. To prepare more takes longer."""
LEVEL, MEMORY = 6, 4


class EventBody(TypeDecorator[bytes]):
    """Bytes in Python; compressed where the database is PostgreSQL."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Return what is stored."""
        return deflate(value) if value is not None and dialect.name == "postgresql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Return the JSON."""
        return None if value is None else inflate(bytes(value))


def deflate(body: bytes) -> bytes:
    """Return JSON as it is stored."""
    strategy = zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY, strategy, EVENT_WORDS)
    return DEFLATED + packer.compress(body) + packer.flush()


def inflate(stored: bytes) -> bytes:
    """Return the JSON that is stored, compressed or not."""
    if not stored.startswith(DEFLATED):
        return stored
    return zlib.decompressobj(WINDOW_BITS, zdict=EVENT_WORDS).decompress(stored[len(DEFLATED) :])
