"""The tables that every service has besides its read models, on PostgreSQL and SQLite alike.

Moments are integers, milliseconds since 1970 UTC, taken from the database's own clock so that
replicas agree on leases.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from libs.common.store.bodies.compact_text import Moment, NamedByIds, Traceparent
from libs.common.store.bodies.event_body import EventBody
from libs.common.store.bodies.uuid_text import UuidText

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

core = MetaData(naming_convention=NAMES)

BigId = BigInteger().with_variant(Integer(), "sqlite")
KEPT = text("body IS NOT NULL")

WAITING, READY, SUSPECT, RUNNING = "waiting", "ready", "suspect", "running"
"""What a job may be; see :mod:`libs.common.store.jobs`."""
IS_READY, IS_RUNNING = text("status = 'ready'"), text("status = 'running'")
"""Written out also where they are asked for: a bound value finds no index that is only of those."""
Subject = String(100).with_variant(String(100, collation="C"), "postgresql")
"""Compared byte by byte, so that an index finds what is below one."""

events = Table(
    "events",
    core,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("occurred_at", Moment(32), nullable=False),
    Column("event_id", UuidText, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("stream", NamedByIds(200), nullable=False),
    Column("topic", String(100), nullable=False),
    Column("key", NamedByIds(100), nullable=False),
    Column("traceparent", Traceparent(64)),
    Column("body", EventBody, nullable=False),
    UniqueConstraint("stream", "version"),
    sqlite_autoincrement=True,
)
"""What this service has decided, append-only: no row is ever changed. Columns of a fixed width come
first, so that none is aligned to eight bytes behind text."""

outbox = Table(
    "outbox",
    core,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("refused", String(60)),
    Column("refused_at_ms", BigInteger),
)
"""Events, by their ids, that the broker does not have yet; a row goes when it does.
``refused`` is why the broker never takes it: such a row is not sent until somebody asks for it."""

leases = Table(
    "leases",
    core,
    Column("name", String(50), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
"""Who leads, of all processes that share this database; ``token`` is raised with each holder."""

sweeps = Table(
    "sweeps",
    core,
    Column("born_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("settled", BigId, nullable=False),
    Column("consumers", String(64), nullable=False),
)
"""One row, where one process runs all services: ``settled`` is the id of an event up to which all
consumers have handled all. ``consumers`` is a digest of who they were; ``born_ms`` is when the row
was made, and tells this database from one that takes its place."""

inbox = Table(
    "inbox",
    core,
    Column("consumer", String(50), primary_key=True),
    Column("event_id", UuidText, primary_key=True),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("occurred_at", Moment(32)),
    Column("topic", String(100)),
    Column("body", EventBody),
    Column("given_up", String(60)),
    Index("ix_inbox_kept", "received_at_ms", postgresql_where=KEPT, sqlite_where=KEPT),
)
"""What this service has handled. ``body`` is kept where read models are rebuilt from it.
``given_up`` is the place of the record in which an event came that was given up instead."""

handled = Table(
    "handled",
    core,
    Column("consumer", String(50), primary_key=True),
    Column("first_id", UuidText, primary_key=True),
    Column("ids", LargeBinary, nullable=False),
)
"""What was handled long ago: ids of events, 16 bytes each, in their order from ``first_id``."""

jobs = Table(
    "jobs",
    core,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("kind", String(50), nullable=False),
    Column("subject", Subject, nullable=False),
    Column("owner", String(100), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("status", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False),
    Column("run_at_ms", BigInteger, nullable=False),
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    Column("lease_until_ms", BigInteger),
    Column("last_error", Text),
    Column("traceparent", String(64)),
    Column("created_at_ms", BigInteger, nullable=False),
    Index(
        "ix_jobs_ready",
        *("kind", "owner", "run_at_ms", "id"),
        postgresql_where=IS_READY,
        sqlite_where=IS_READY,
    ),
    Index("ix_jobs_due", "status", "kind", "run_at_ms"),
    Index("ix_jobs_leases", "lease_until_ms", postgresql_where=IS_RUNNING, sqlite_where=IS_RUNNING),
    Index("ix_jobs_subject", "subject"),
    sqlite_autoincrement=True,
)
"""Leased long work that is not over."""

job_queues = Table(
    "job_queues",
    core,
    Column("kind", String(50), primary_key=True),
    Column("owner", String(100), primary_key=True),
    Column("ready", Integer, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Index("ix_job_queues_turn", "kind", "turn"),
)
"""Whose jobs are ready, and how many; who has the least ``turn`` of a kind is served next."""


tombstones = Table("tombstones", core, Column("subject", String(100), primary_key=True))
"""What was deleted, as ``{document_id}`` or ``{document_id}/...``, so that it never comes back."""


class now_ms(FunctionElement[int]):
    """The database's clock, in milliseconds since 1970 UTC."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "postgresql")
def _now_ms_postgresql(*_: Any, **__: Any) -> str:
    return "(extract(epoch from clock_timestamp()) * 1000)::bigint"


@compiles(now_ms, "sqlite")
def _now_ms_sqlite(*_: Any, **__: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)"
