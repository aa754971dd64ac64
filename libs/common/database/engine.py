"""One async path to PostgreSQL and SQLite."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVarTuple

from sqlalchemy import Select, text
from sqlalchemy.engine import Row, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.outages import translated
from libs.common.database.postgres_engine import pooled_engine, unpooled_engine
from libs.common.database.sqlite.sqlite_dialect import BUSY_TIMEOUT_S
from libs.common.database.sqlite.sqlite_engine import (
    NO_TRANSACTION,
    READ_ONLY,
    sqlite_engine,
)
from libs.common.database.sqlite.writer_queue import WriterQueue
from libs.common.database.wakeups import JOBS, OUTBOX, Wakeups, names_to_notify

Columns = TypeVarTuple("Columns")

SNAPSHOT = {"isolation_level": "REPEATABLE READ"}
EMPTY_LOG_WAIT_MS = 200
"""Short, for nobody can write meanwhile."""


class Database:
    """The database of one service.

    ``pool_size`` is how many connections to PostgreSQL are kept, the driver's choice if it is None;
    ``limits`` bound what is done on them, and ``pooler`` says that they go through a PgBouncer that
    pools transactions. Write transactions on SQLite start with ``BEGIN IMMEDIATE`` and queue inside
    the process, so that they never meet SQLite's busy wait, which sleeps for up to 100 ms.
    """

    def __init__(
        self,
        url: str,
        pool_size: int | None = None,
        *,
        limits: DatabaseLimits | None = None,
        pooler: bool = False,
    ) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.pooler = pooler
        self.limits = limits or DatabaseLimits()
        if self.sqlite:
            self.engine = self._unhurried = sqlite_engine(url)
        else:
            self.engine = pooled_engine(url, self.limits, pool_size, pooler=pooler)
            self._unhurried = unpooled_engine(url, self.limits.unhurried, pooler=pooler)
        # Limits go with a transaction where there is a pooler, so there every statement has one.
        autocommit = {} if self.sqlite or pooler else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**NO_TRANSACTION, **autocommit)
        self.wakeups = Wakeups()
        self.outbox_wakeup = self.wakeups.lend(OUTBOX)
        self.jobs_wakeup = self.wakeups.lend(JOBS)
        self._writers = WriterQueue()

    @asynccontextmanager
    async def transaction(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """Read and write; commits at the end, rolls back on any exception.

        What is ``urgent``, for somebody waits for the answer, is written to SQLite before the rest.
        After the commit those are notified that :func:`.wakeups.notify_after_commit` named.

        Raises:
            Unavailable: The database cannot be reached, or a limit of time was met.
        """
        async with self._transaction(self.engine, urgent=urgent) as connection:
            yield connection

    @asynccontextmanager
    async def maintenance(self) -> AsyncIterator[AsyncConnection]:
        """Do as in :meth:`transaction` what takes as long as it takes, as migrations do.

        On PostgreSQL it has a connection of its own. Only a process that freezes in between loses
        its locks.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with self._transaction(self._unhurried) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, *, urgent: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        async with translated():
            if self.sqlite:
                async with self._writers.turn(urgent=urgent), engine.begin() as connection:
                    names_to_notify(connection)  # forgets those of one that was rolled back
                    yield connection
                    changed = names_to_notify(connection)
            else:
                async with engine.begin() as connection:
                    names_to_notify(connection)  # forgets those of one that was rolled back
                    yield connection
                    changed = names_to_notify(connection)
        self.wakeups.notify(changed)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Read a consistent snapshot, as of the first statement, beside any writer.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with translated(), self.engine.connect() as connection:
            # until it is back in the pool, which resets it
            await connection.execution_options(**(READ_ONLY if self.sqlite else SNAPSHOT))
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def querying(self) -> AsyncIterator[AsyncConnection]:
        """Read by single statements, each of which sees what is committed then.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with translated(), self._reader.connect() as connection:
            yield connection

    async def fetch(
        self, statement: Select[*Columns], values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*Columns]]:
        """Return the rows of one query; it needs no transaction.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with self.querying() as connection:
            return (await connection.execute(statement, values)).all()

    async def check(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.querying() as connection:
            await connection.execute(text("SELECT 1"))

    async def empty_log(self) -> bool:
        """Move SQLite's write-ahead log into the database, and leave nothing in it.

        It holds what was deleted since. Returns whether it is empty; it is not if another
        connection is reading or writing for longer than a moment. On PostgreSQL nothing is done.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if not self.sqlite:
            return True
        async with self._writers.turn(), self.querying() as connection:
            await connection.execute(text(f"PRAGMA busy_timeout={EMPTY_LOG_WAIT_MS}"))
            try:
                found = await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                is_empty = not found.one()[0]  # whether it was busy
                raw: Any = await connection.get_raw_connection()
                raw.dbapi_connection.log.moved(all_of_it=is_empty)
                return is_empty
            finally:
                timeout_ms = BUSY_TIMEOUT_S * 1000
                await connection.execute(text(f"PRAGMA busy_timeout={timeout_ms}"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
