"""Columns of what comes with an event, each text in Python: a third of its bytes on PostgreSQL.

SQLite holds the text, as it does of bodies.
"""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from libs.common.contracts.cloudevents import rfc3339
from libs.common.store.bodies.digits import with_digits, without_digits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_VERSION, OTHER_FORM = b"\x00", b"\xff"
"""Begin a stored traceparent: the version that there is, and 255, which is none."""
TRACE_BYTES, SPAN_BYTES = 16, 8


class _CompactText(TypeDecorator[str]):
    """Text in Python and on SQLite, and something shorter on PostgreSQL."""

    impl = String
    cache_ok = True
    compact: type[TypeEngine[Any]] = LargeBinary

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database has for it."""
        compact = dialect.name == "postgresql"
        return dialect.type_descriptor(self.compact() if compact else self.impl_instance)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Return what is stored."""
        return value if value is None or dialect.name != "postgresql" else self.shorten(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text."""
        return value if value is None or dialect.name != "postgresql" else self.restore(value)

    @abstractmethod
    def shorten(self, value: str) -> Any:
        """Return what stands for ``value``."""

    @abstractmethod
    def restore(self, stored: Any) -> str:
        """Return what :meth:`shorten` was given."""


class NamedByIds(_CompactText):
    """A name that has UUIDs in it, such as that of a stream; compared with equality only."""

    cache_ok = True

    def shorten(self, value: str) -> bytes:
        """Return UTF-8 with bytes for digits."""
        return without_digits(value.encode())

    def restore(self, stored: bytes) -> str:
        """Return the name."""
        return with_digits(stored).decode()


class Traceparent(_CompactText):
    """A traceparent of W3C Trace Context, version 00; any other text is stored as it is.

    26 bytes instead of 55: its version, trace, parent and flags.
    """

    cache_ok = True

    def shorten(self, value: str) -> bytes:
        """Return its bytes, if they stand for exactly this text."""
        try:
            stored = bytes.fromhex(value.replace("-", ""))
        except ValueError:
            stored = b""
        if stored.startswith(FIRST_VERSION) and _traceparent(stored) == value:
            return stored
        return OTHER_FORM + value.encode()

    def restore(self, stored: bytes) -> str:
        """Return the traceparent."""
        if stored.startswith(OTHER_FORM):
            return stored[1:].decode()
        return _traceparent(stored)


class Moment(_CompactText):
    """A moment as :func:`.rfc3339` writes it: microseconds since 1970 UTC, in their order."""

    cache_ok = True
    compact = BigInteger

    def shorten(self, value: str) -> int:
        """Return microseconds since 1970."""
        return (datetime.fromisoformat(value) - EPOCH) // MICROSECOND

    def restore(self, stored: int) -> str:
        """Return the moment."""
        return rfc3339(EPOCH + stored * MICROSECOND)


def _traceparent(stored: bytes) -> str:
    trace_ends = 1 + TRACE_BYTES
    span_ends = trace_ends + SPAN_BYTES
    parts = (stored[:1], stored[1:trace_ends], stored[trace_ends:span_ends], stored[span_ends:])
    return "-".join(part.hex() for part in parts)
