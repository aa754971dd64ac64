"""Whom a rebuild waits for, as PostgreSQL tells, and for how long it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.errors import Unavailable

TELL_EVERY_S = 5.0
MOST_NAMED = 5
"""Sessions that are named in one line."""

WRITING = text("""
    SELECT activity.pid, activity.application_name, usename, state, xact_start, gid
    FROM pg_snapshot_xip(pg_current_snapshot()) AS running (id)
    LEFT JOIN pg_stat_activity AS activity ON backend_xid = running.id::xid
    LEFT JOIN pg_prepared_xacts AS prepared ON prepared.transaction = running.id::xid
    WHERE running.id::text::bigint < :number
      AND coalesce(datname, prepared.database, current_database()) = current_database()
    ORDER BY xact_start
""")
"""Transactions that run and write, with a number below a given one. Those of other databases have
numbers too, and are left out: they write nothing here."""

IN_TABLES = text("""
    SELECT activity.pid, activity.application_name, usename, state, xact_start, NULL AS gid
    FROM pg_stat_activity AS activity
    WHERE pid <> pg_backend_pid() AND pid IN (
      SELECT locks.pid FROM pg_locks AS locks
      JOIN unnest(CAST(:names AS text[])) AS given (name) ON relation = to_regclass(name)
      WHERE granted
    )
    ORDER BY xact_start
""")


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session of PostgreSQL; what the server does not show to this role is None.

    ``prepared`` names a prepared transaction, which goes on without a session.
    """

    pid: int | None
    application: str | None
    role: str | None
    state: str | None
    since: datetime | None
    prepared: str | None

    def __str__(self) -> str:
        if self.prepared is not None:
            return f"prepared transaction {self.prepared!r}"
        name = f"session {self.pid or 'unknown'} of {self.role or 'an unknown role'}"
        application = f" ({self.application})" if self.application else ""
        since = "" if self.since is None else f" since {rfc3339(self.since)}"
        return f"{name}{application}, {self.state or 'busy'}, in a transaction{since}"


async def writing_before(connection: AsyncConnection, number: int) -> list[Session]:
    """Return who writes in this database in a transaction with a number below ``number``."""
    rows = await connection.execute(WRITING, {"number": number})
    return [_session(*row) for row in rows]


async def in_tables(connection: AsyncConnection, tables: Sequence[Table]) -> list[Session]:
    """Return who reads or writes any of ``tables`` in a transaction that has not ended."""
    rows = await connection.execute(IN_TABLES, {"names": [table.name for table in tables]})
    return [_session(*row) for row in rows]


def _session(
    pid: int | None,
    application: str | None,
    role: str | None,
    state: str | None,
    since: datetime | None,
    prepared: str | None,
) -> Session:
    return Session(
        pid=pid, application=application, role=role, state=state, since=since, prepared=prepared
    )


def named(sessions: Sequence[Session]) -> str:
    """Return the names of some sessions for people, those of the oldest transactions first."""
    if not sessions:
        return "somebody whom the server does not name"
    more = len(sessions) - MOST_NAMED
    return "; ".join(map(str, sessions[:MOST_NAMED])) + (f"; and {more} more" if more > 0 else "")


class Waiting:
    """Waiting for others, which ``tell`` is told of every few seconds, for ``limit_s`` at most."""

    def __init__(self, tell: Callable[[str], None], limit_s: float) -> None:
        self._tell = tell
        self._limit_s = limit_s
        self._began = self._told = monotonic()

    def check(self, sessions: Sequence[Session]) -> None:
        """Tell whom it waits for, if it is time to.

        Raises:
            Unavailable: It waited for too long.
        """
        now = monotonic()
        if now - self._began >= self._limit_s:
            raise Unavailable(
                f"waited {self._limit_s:g} s for the end of {named(sessions)}; "
                "end it, and give the same command again to go on"
            )
        if now - self._told >= TELL_EVERY_S:
            self._told = now
            self._tell(f"waiting for {now - self._began:.0f} s for the end of {named(sessions)}")
