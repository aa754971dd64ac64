"""SQLAlchemy's aiosqlite dialect with at most one thread hop for a statement instead of four.

aiosqlite runs every call in the thread of its connection. SQLAlchemy's adapter opens a cursor,
executes, fetches and closes in four such calls, and rolls back each connection that comes back; a
hop costs more than most of our statements. Here a statement that is short is executed by whoever
asks, and any other is one call; a transaction begins with its first statement, one of nothing but
short statements also ends where it is asked to, and a connection without a transaction is neither
committed nor rolled back. Everything else is SQLAlchemy's.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util import EMPTY_DICT
from sqlalchemy.util.concurrency import await_

from libs.common.database.sqlite.short_statements import (
    FEW_ROWS,
    MOST_IN_A_ROW,
    Execute,
    Outcome,
    ShortStatements,
    outcome_of,
)
from libs.common.database.sqlite.write_ahead_log import WriteAheadLog

DRIVER = "sqlite+onehop"
BEGIN_TO_READ = "BEGIN"
BEGIN_TO_WRITE = "BEGIN IMMEDIATE"
"""It waits for a writer in another process, at most :data:`BUSY_TIMEOUT_S`."""

BUSY_TIMEOUT_S = 30
_DO_NOT_WAIT = "PRAGMA busy_timeout=0"
_WAIT = f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}"
_MOVE_LOG = "PRAGMA wal_checkpoint(PASSIVE)"

SHORT = ShortStatements()

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that exists only while its statement runs."""

    __slots__ = ("few_rows",)

    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor = Outcome()  # type: ignore[assignment]
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()
        self.few_rows = False

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        return await self._run(sqlite3.Cursor.execute, operation, parameters or ())

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        return await self._run(sqlite3.Cursor.executemany, operation, seq_of_parameters)

    async def _run(self, execute: Execute, statement: str, parameters: Any) -> Any:
        adapted: Any = self._adapt_connection
        async with adapted._execute_mutex:
            outcome: Any = None
            if adapted.may_execute_here() and SHORT.may_be(
                statement,
                parameters,
                many=execute is not sqlite3.Cursor.execute,
                few_rows=self.few_rows,
            ):
                outcome = await adapted.execute_here(execute, statement, parameters)
            if outcome is None:
                outcome = await adapted.execute_in_thread(execute, statement, parameters)
        self._cursor = outcome
        self._rows = deque(outcome.rows)
        return outcome


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose cursors are those above.

    ``begin_first`` begins a transaction, and is to be executed before the next statement. ``log``
    is shared by all connections of an engine.
    """

    __slots__ = ("_in_a_row", "_in_thread", "_is_short", "_only_reads", "begin_first", "log")

    _cursor_cls = Cursor

    def __init__(self, driver: "Driver", *arguments: Any) -> None:
        super().__init__(driver, *arguments)
        self.begin_first: str | None = None
        self._in_thread = 0  # calls that the thread has not ended, also those nobody awaits now
        self._in_a_row = 0
        self._only_reads = False
        self._is_short = False  # the transaction: all of it was executed here
        self.log = driver.log

    def may_execute_here(self) -> bool:
        """Return whether the thread is at nothing."""
        connection: Any = self._connection
        return bool(connection._connection) and not self._in_thread

    async def execute_here(
        self, execute: Execute, statement: str, parameters: Any
    ) -> Outcome | None:
        """Execute a statement that may be short; None if it belongs in the thread.

        It does if it is not short, or if another process writes.
        """
        connection: Any = self._connection
        if self._in_a_row >= MOST_IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        self._in_a_row += 1
        if self.begin_first is not None:
            if not _began_at_once(connection._conn, self.begin_first):
                return None
            self._only_reads, self.begin_first = self.begin_first == BEGIN_TO_READ, None
            self._is_short = True
        return SHORT.execute(connection._conn, execute, statement, parameters)

    async def execute_in_thread(self, execute: Execute, statement: str, parameters: Any) -> Outcome:
        """Execute a statement in the thread of the connection."""
        connection: Any = self._connection
        begin, self.begin_first = self.begin_first, None
        if begin is not None:
            self._only_reads = begin == BEGIN_TO_READ
        self._in_a_row, self._is_short = 0, False

        def execute_after_beginning() -> Outcome:
            if begin is not None:
                connection._conn.execute(begin).close()
            return outcome_of(connection._conn, execute, statement, parameters)

        return await self._call_in_thread(execute_after_beginning)

    def rollback(self) -> None:
        """Roll back, if there is anything to."""
        self.begin_first = None
        if not self._in_transaction:
            return
        if (self._only_reads or self._is_short) and not self._in_thread:
            connection: Any = self._connection
            connection._conn.rollback()  # next to nothing is written
        else:
            super().rollback()

    def commit(self) -> None:
        """Commit, if there is anything to."""
        self.begin_first = None
        if not self._in_transaction:
            return
        connection: Any = self._connection
        if self._only_reads:
            self.rollback()  # nothing is written
        elif self._is_short and not self._in_thread and not self.log.waits_for_disk:
            connection._conn.commit()
            self.log.grew(long=False)
        else:
            await_(self._call_in_thread(partial(self._commit_and_move_log, connection._conn)))

    def _commit_and_move_log(self, connection: sqlite3.Connection) -> None:
        connection.commit()
        self.log.grew(long=not self._is_short)
        if self.log.is_long:
            self.log.moved(all_of_it=_moved_log(connection))

    async def _call_in_thread(self, call: Callable[[], Result]) -> Result:
        self._in_thread += 1

        def counted() -> Result:
            try:
                return call()
            finally:
                self._in_thread -= 1

        connection: Any = self._connection
        result: Result = await connection._execute(counted)
        return result

    @property
    def _in_transaction(self) -> bool:
        connection: Any = self._connection
        return bool(connection._connection and connection._conn.in_transaction)


def _began_at_once(connection: sqlite3.Connection, begin: str) -> bool:
    """Begin a transaction; False if that has to wait for another process."""
    if begin == BEGIN_TO_READ:
        connection.execute(begin).close()
        return True
    connection.execute(_DO_NOT_WAIT).close()
    try:
        connection.execute(begin).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        connection.execute(_WAIT).close()
    return True


def _moved_log(connection: sqlite3.Connection) -> bool:
    """Move the log into the database; False if some of it is left.

    What was committed is in the log, and safe, whatever becomes of this.
    """
    try:
        ((busy, in_log, moved),) = connection.execute(_MOVE_LOG).fetchall()
    except sqlite3.Error as error:
        log.warning("the write-ahead log could not be moved into the database", error=str(error))
        return False
    return not busy and in_log == moved


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """aiosqlite, opening the connections above, for one engine."""

    def __init__(self, *modules: Any) -> None:
        super().__init__(*modules)
        self.log = WriteAheadLog()

    def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Connect, in a thread that does not keep the process alive."""
        # One at a time uses it: its thread, or whoever executes what is short.
        connection = self.aiosqlite.connect(*arguments, **{**options, "check_same_thread": False})
        connection._thread.daemon = True
        return Connection(self, await_(connection))


class Dialect(SQLiteDialect_aiosqlite):
    """The dialect ``sqlite+onehop``."""

    driver = "onehop"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Driver:
        """Return the driver."""
        return Driver(__import__("aiosqlite"), sqlite3)

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Execute a statement."""
        cursor.few_rows = _changes_few_rows(context)
        cursor.execute(statement, parameters)

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Execute a statement for each of ``parameters``."""
        cursor.few_rows = _changes_few_rows(context)
        cursor.executemany(statement, parameters)


def _changes_few_rows(context: Any) -> bool:
    return context is not None and FEW_ROWS.items() <= context.execution_options.items()


registry.register("sqlite.onehop", __name__, "Dialect")
