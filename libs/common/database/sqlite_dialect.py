"""SQLAlchemy's aiosqlite dialect with one thread hop for each statement instead of four.

aiosqlite runs every call in the thread of its connection. SQLAlchemy's adapter opens a cursor,
executes, fetches and closes in four such calls, and rolls back each connection that comes back; a
hop costs more than most of our statements. Here a statement is one call, a transaction begins in
the call of its first statement, and a connection without a transaction is neither committed nor
rolled back. Everything else is SQLAlchemy's.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util import EMPTY_DICT
from sqlalchemy.util.concurrency import await_

DRIVER = "sqlite+onehop"

Execute = Callable[..., sqlite3.Cursor]
"""``Cursor.execute`` or ``Cursor.executemany``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left of a closed cursor; it stands in for one.

    Made by position, for every statement makes one.
    """

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()
    arraysize: int = 1

    def close(self) -> None:
        """Nothing is open."""


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that exists only while its statement runs."""

    __slots__ = ()

    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor = Outcome()  # type: ignore[assignment]
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        return await self._in_thread(sqlite3.Cursor.execute, operation, parameters or ())

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        return await self._in_thread(sqlite3.Cursor.executemany, operation, seq_of_parameters)

    async def _in_thread(self, execute: Execute, operation: Any, parameters: Any) -> Any:
        connection: Any = self._connection
        adapted: Any = self._adapt_connection
        async with adapted._execute_mutex:
            begin, adapted.begin_first = adapted.begin_first, None
            outcome = await connection._execute(
                _run, connection._conn, begin, execute, operation, parameters
            )
        self._cursor = outcome
        self._rows = deque(outcome.rows)
        return outcome


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection whose cursors are those above.

    ``begin_first`` is a statement such as ``BEGIN``, to be executed before the next one.
    """

    __slots__ = ("begin_first",)

    _cursor_cls = Cursor

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.begin_first: str | None = None

    def rollback(self) -> None:
        """Roll back, if there is anything to."""
        self.begin_first = None
        if self._in_transaction:
            super().rollback()

    def commit(self) -> None:
        """Commit, if there is anything to."""
        self.begin_first = None
        if self._in_transaction:
            super().commit()

    @property
    def _in_transaction(self) -> bool:
        connection: Any = self._connection
        return bool(connection._connection and connection._conn.in_transaction)


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """aiosqlite, opening the connections above."""

    def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Connect, in a thread that does not keep the process alive."""
        connection = self.aiosqlite.connect(*arguments, **options)
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


def _run(
    connection: sqlite3.Connection,
    begin: str | None,
    execute: Execute,
    operation: str,
    parameters: Any,
) -> Outcome:
    cursor = connection.cursor()
    try:
        if begin is not None:
            cursor.execute(begin)
        execute(cursor, operation, parameters)
        return _outcome(cursor)
    finally:
        cursor.close()


def _outcome(cursor: sqlite3.Cursor) -> Outcome:
    rows = cursor.fetchall() if cursor.description else ()
    return Outcome(cursor.description, cursor.rowcount, cursor.lastrowid, rows)


registry.register("sqlite.onehop", __name__, "Dialect")
