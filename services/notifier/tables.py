"""What notifier remembers besides its events."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from libs.common.store.bodies.uuid_text import UuidText
from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

deliveries = Table(
    "deliveries",
    metadata,
    Column("notification_id", UuidText, primary_key=True),
    Column("event_id", UuidText, nullable=False),
    Column("type", String(100), nullable=False),
    Column("document_id", UuidText),
    Column("owner_id", UuidText),
    Column("page", Integer),
    Column("channel", String(10), nullable=False),
    Column("target", String(255), nullable=False),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("batch", String(64)),
    Column("told_by", UuidText),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("attempted_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Index("ix_deliveries_event_id", "event_id"),
    Index("ix_deliveries_document_id", "document_id", "created_at_ms"),
    Index("ix_deliveries_batch", "batch", "due_at_ms"),
    Index("ix_deliveries_told_by", "told_by"),
)
"""One row for each event and target. ``target`` is the host only. A notice that goes out in another
one's mail has that one's id in ``told_by``; ``batch`` is what notices that may share a mail have in
common. Moments are milliseconds since 1970 UTC by the database's clock."""


recipients = Table(
    "recipients",
    metadata,
    Column("user_id", UuidText, primary_key=True),
    Column("address", String(320)),
    Column("language", String(50)),
    Column("addressed_at", String(32)),
    Column("is_disabled", Boolean),
    Column("disabled_as_of", String(32)),
)
"""Whom to write to, by user. ``addressed_at`` and ``disabled_as_of`` are moments of the events that
set what stands before them, as RFC 3339."""

installation_secret = Table(
    "installation_secret",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
)
"""One row, number 1. Without it, notices that were told before would get other identities."""
