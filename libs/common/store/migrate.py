"""Alembic, run from code: each service brings its own ``migrations/`` folder.

``env.py`` of every service is the one line ``run()``; the connection is handed over by
:func:`upgrade`, so that migrations need no settings of their own.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection

from libs.common.database.engine import Database
from libs.common.store.bodies.uuid_text import UuidText
from libs.common.store.tables import IS_READY, IS_RUNNING, KEPT, BigId, Subject

LOCK = 0x4C656374  # any number that is no other lock's
LOCK_PATIENCE_MS = 60_000


async def upgrade(database: Database, migrations: Path) -> None:
    """Bring ``database`` to the newest revision in ``migrations``; nothing if it is there.

    One process at a time does it, the others wait and find it done.

    Raises:
        Unavailable: The database cannot be reached, or another process is at it for longer than
            ``LOCK_PATIENCE_MS``.
    """
    async with database.maintenance() as connection:
        if database.sqlite:  # a transaction keeps all others out, from its first statement on
            await connection.execute(sa.text("SELECT 1"))
        else:
            # Of the transaction, not of the session, which a pooler may give to others.
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_PATIENCE_MS}"))
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            await connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
        await connection.run_sync(_upgrade, migrations)


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run() -> None:
    """Run the migrations; called by each ``migrations/env.py``."""
    context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


def create_core_tables_v1() -> None:
    """Create the tables of every service as they were in release 0.1; never changed."""
    op.create_table(
        "events",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("occurred_at", _number_or_text(32), nullable=False),
        sa.Column("event_id", UuidText, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("stream", _bytes_or_text(200), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("key", _bytes_or_text(100), nullable=False),
        sa.Column("traceparent", _bytes_or_text(64)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
        sa.UniqueConstraint("stream", "version", name="uq_events_stream_version"),
        sqlite_autoincrement=True,
    )
    _create_outbox_v1()
    _create_inbox_v1()
    _create_jobs_v1()
    op.create_table("tombstones", sa.Column("subject", sa.String(100), primary_key=True))


def _bytes_or_text(length: int) -> sa.types.TypeEngine[Any]:
    return sa.LargeBinary().with_variant(sa.String(length), "sqlite")


def _number_or_text(length: int) -> sa.types.TypeEngine[Any]:
    return sa.BigInteger().with_variant(sa.String(length), "sqlite")


def _create_outbox_v1() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("refused", sa.String(60)),
        sa.Column("refused_at_ms", sa.BigInteger),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sweeps",
        sa.Column("born_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("settled", BigId, nullable=False),
        sa.Column("consumers", sa.String(64), nullable=False),
    )


def _create_inbox_v1() -> None:
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(50), primary_key=True),
        sa.Column("event_id", UuidText, primary_key=True),
        sa.Column("received_at_ms", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", _number_or_text(32)),
        sa.Column("topic", sa.String(100)),
        sa.Column("body", sa.LargeBinary),
        sa.Column("given_up", sa.String(60)),
    )
    op.create_index(
        "ix_inbox_kept",
        "inbox",
        ["received_at_ms"],
        postgresql_where=KEPT,
        sqlite_where=KEPT,
    )
    op.create_table(
        "handled",
        sa.Column("consumer", sa.String(50), primary_key=True),
        sa.Column("first_id", UuidText, primary_key=True),
        sa.Column("ids", sa.LargeBinary, nullable=False),
    )


def _create_jobs_v1() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("subject", Subject, nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("run_at_ms", sa.BigInteger, nullable=False),
        sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lease_until_ms", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("traceparent", sa.String(64)),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns, where in (
        ("ready", ["kind", "owner", "run_at_ms", "id"], IS_READY),
        ("due", ["status", "kind", "run_at_ms"], None),
        ("leases", ["lease_until_ms"], IS_RUNNING),
        ("subject", ["subject"], None),
    ):
        op.create_index(
            f"ix_jobs_{name}", "jobs", columns, postgresql_where=where, sqlite_where=where
        )
    op.create_table(
        "job_queues",
        sa.Column("kind", sa.String(50), primary_key=True),
        sa.Column("owner", sa.String(100), primary_key=True),
        sa.Column("ready", sa.Integer, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_job_queues_turn", "job_queues", ["kind", "turn"])
