"""Columns that hold the JSON of events, and parts of it: a third of its bytes, on PostgreSQL.

PostgreSQL itself compresses only rows of more than 2 kB, and each row alone. A preset dictionary
has what events have in common; what is left of one are its identifiers and digests, and these are
stored as the bytes that their hexadecimal digits stand for. SQLite holds the JSON as it is, for one
person's history is small and tools may read it.

    1  body   compressed, with bytes for digits (:mod:`.digits`)
    2  body   compressed
    {  ...    as it is
"""

import json
import zlib
from typing import Any

from sqlalchemy import JSON, LargeBinary, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from libs.common.store.bodies.digits import has_marks, with_digits, without_digits
from libs.common.store.bodies.event_words import EVENT_WORDS

WITHOUT_DIGITS, DEFLATED = b"\x01", b"\x02"
"""Begin what is compressed; JSON begins with another byte."""
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


class PartOfEvent(TypeDecorator[Any]):
    """What an event says of an object, as a column of a read model: a value of JSON in Python."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database has for it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(LargeBinary())
        return dialect.type_descriptor(JSON(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what is stored."""
        if value is None or dialect.name != "postgresql":
            return value
        return deflate(json.dumps(value, separators=(",", ":")).encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the value."""
        if value is None or dialect.name != "postgresql":
            return value
        return json.loads(inflate(bytes(value)))


def deflate(body: bytes) -> bytes:
    """Return JSON as it is stored."""
    if has_marks(body):
        return DEFLATED + _compressed(body)
    return WITHOUT_DIGITS + _compressed(without_digits(body))


def inflate(stored: bytes) -> bytes:
    """Return the JSON that is stored, compressed or not.

    Raises:
        ValueError: It is cut off.
        zlib.error: It is damaged in another way.
    """
    if not stored.startswith((WITHOUT_DIGITS, DEFLATED)):
        return stored
    words = zlib.decompressobj(WINDOW_BITS, zdict=EVENT_WORDS)
    body = words.decompress(stored[1:])
    if not words.eof:
        raise ValueError(f"a stored event is cut off after {len(stored)} bytes")
    return with_digits(body) if stored.startswith(WITHOUT_DIGITS) else body


def _compressed(body: bytes) -> bytes:
    strategy = zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY, strategy, EVENT_WORDS)
    return packer.compress(body) + packer.flush()
