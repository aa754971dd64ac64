"""One async path to PostgreSQL and SQLite, and the locks that differ between them."""

import asyncio
import fcntl
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVarTuple

from sqlalchemy import Select, event, text
from sqlalchemy.engine import Row, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.common.database.sqlite_dialect import DRIVER
from libs.common.database.wakeups import JOBS, OUTBOX, Wakeups, names_to_notify
from libs.common.errors import Unavailable

Columns = TypeVarTuple("Columns")

PASSING = ("08", "40", "53", "55P03", "57", "58")
"""How the SQLSTATE of an error begins that may pass: lost connections, deadlocks, too many clients,
locks, a server that starts or stops, its disks (PostgreSQL's manual, appendix A)."""

READ_ONLY = {"lectern_read_only": True}
SNAPSHOT = {"isolation_level": "REPEATABLE READ"}
SQLITE_BUSY_TIMEOUT_S = 30
EMPTY_LOG_WAIT_MS = 200
"""Short, for nobody can write meanwhile."""
CONNECT_TIMEOUT_S = 10.0


class Database:
    """The database of one service.

    ``pool_size`` is how many connections to PostgreSQL are kept, the driver's choice if it is None.
    Write transactions on SQLite start with ``BEGIN IMMEDIATE`` and queue inside the process, so
    that they never meet SQLite's busy wait, which sleeps for up to 100 ms.
    """

    def __init__(self, url: str, pool_size: int | None = None) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.sqlite else _postgres_engine(url, pool_size)
        autocommit = {} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(lectern_no_transaction=True, **autocommit)
        self.wakeups = Wakeups()
        self.outbox_wakeup = self.wakeups.lend(OUTBOX)
        self.jobs_wakeup = self.wakeups.lend(JOBS)
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Read and write; commits at the end, rolls back on any exception.

        After the commit those are notified that :func:`.wakeups.notify_after_commit` named.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with _translated():
            if self.sqlite:
                async with self._writing, self.engine.begin() as connection:
                    names_to_notify(connection)  # forgets those of one that was rolled back
                    yield connection
                    changed = names_to_notify(connection)
            else:
                async with self.engine.begin() as connection:
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
        async with _translated(), self.engine.connect() as connection:
            # until it is back in the pool, which resets it
            await connection.execution_options(**(READ_ONLY if self.sqlite else SNAPSHOT))
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        """Hold a lock that one process at a time can hold, waiting for it if need be."""
        if self.sqlite:
            async with _file_lock(Path(f"{self.url.database}.{name}.lock")):
                yield
        else:
            async with _advisory_lock(self.engine, name):
                yield

    @asynccontextmanager
    async def querying(self) -> AsyncIterator[AsyncConnection]:
        """Read by single statements, each of which sees what is committed then.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with _translated(), self._reader.connect() as connection:
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
        async with self._writing, self.querying() as connection:
            await connection.execute(text(f"PRAGMA busy_timeout={EMPTY_LOG_WAIT_MS}"))
            try:
                found = await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                return not found.one()[0]  # whether it was busy
            finally:
                timeout_ms = SQLITE_BUSY_TIMEOUT_S * 1000
                await connection.execute(text(f"PRAGMA busy_timeout={timeout_ms}"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, NoFreeConnection, OSError) as error:
        if _is_wrong_sql(error):
            raise
        raise Unavailable(f"the database did not answer ({type(error).__name__})") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("the connection to the database was lost") from error
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if state.startswith(PASSING):
            raise Unavailable(f"the database could not do it now ({state})") from error
        raise


def _is_wrong_sql(error: Exception) -> bool:
    """Whether SQLite refused the statement itself, as one about a table that is not there.

    It reports that as an OperationalError too; PostgreSQL has a ProgrammingError for it.
    """
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_ERROR


def _postgres_engine(url: str, pool_size: int | None) -> AsyncEngine:
    sized = {} if pool_size is None else {"pool_size": pool_size}
    return create_async_engine(
        url,
        **sized,
        max_overflow=5,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={"timeout": CONNECT_TIMEOUT_S},  # of a statement none: migrations take long
    )


def _sqlite_engine(url: str) -> AsyncEngine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    quick = make_url(url).set(drivername=DRIVER)
    engine = create_async_engine(
        quick, hide_parameters=True, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Overwrites what is deleted in the file; the write-ahead log has it until it is emptied.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if options.get("lectern_no_transaction"):
            return
        driver: Any = connection.connection.dbapi_connection
        driver.begin_first = "BEGIN" if options.get("lectern_read_only") else "BEGIN IMMEDIATE"

    return engine


@asynccontextmanager
async def _file_lock(path: Path) -> AsyncIterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.2)
        yield
    finally:
        os.close(handle)


@asynccontextmanager
async def _advisory_lock(engine: AsyncEngine, name: str) -> AsyncIterator[None]:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    async with _translated(), engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not await connection.scalar(
            text("SELECT pg_try_advisory_lock(:number)"), {"number": number}
        ):
            await asyncio.sleep(0.2)
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
