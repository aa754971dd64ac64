"""Statements of SQLite that are over sooner than a thread would have begun them.

A hop to a connection's thread and back is two turns of the event loop and two of the interpreter's
lock: milliseconds when the process is busy, for a statement that takes 30 µs. So what is short is
executed by whoever asks. How long a statement takes SQLite tells by itself: it stops a query that
takes more than so many steps of its virtual machine, and that one and its like go to the thread.
"""

import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Execute = Callable[..., sqlite3.Cursor]
"""``Cursor.execute`` or ``Cursor.executemany``."""

MOST_STEPS = 20_000
"""Steps of SQLite's machine that a query may take on the event loop, and at most twice as many:
about a millisecond."""

FEW_ROWS = {"lectern_few_rows": True}
"""Option of a statement that changes few rows, which it finds by an index."""

MOST_ROWS = 8
"""Rows that one call may insert on the event loop."""

MOST_VALUES = 200
"""Values that one row, or rows in one statement, may have."""

MOST_IN_A_ROW = 24
"""Short statements of one connection before other tasks have their turn."""

_QUERY = re.compile("SELECT ", re.ASCII)
_VALUES = re.compile(r"INSERT INTO \w+ \([^()]*\) VALUES \(", re.ASCII)


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


@dataclass
class ShortStatements:
    """Knows by their texts which statements are short; of one process."""

    _long: set[str] = field(default_factory=set)

    def may_be(self, statement: str, parameters: Any, *, many: bool, few_rows: bool) -> bool:
        """Return whether a statement may be executed by whoever asks.

        Queries that were short until now, inserts of few rows that are given, and what is said to
        change few rows: any other change takes as long as there are rows, and cannot be stopped.
        """
        if _QUERY.match(statement):
            return statement not in self._long
        if many and len(parameters) > MOST_ROWS:
            return False
        return few_rows or (len(parameters) <= MOST_VALUES and bool(_VALUES.match(statement)))

    def execute(
        self, connection: sqlite3.Connection, execute: Execute, statement: str, parameters: Any
    ) -> Outcome | None:
        """Execute a statement; None if it is a query that takes too long, and did nothing."""
        if not _QUERY.match(statement):
            return outcome_of(connection, execute, statement, parameters)
        connection.set_progress_handler(_stop_at_the_second_call(), MOST_STEPS)
        try:
            return outcome_of(connection, execute, statement, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            self._long.add(statement)
            return None
        finally:
            connection.set_progress_handler(None, 0)


def outcome_of(
    connection: sqlite3.Connection, execute: Execute, statement: str, parameters: Any
) -> Outcome:
    """Execute a statement and fetch all of its rows."""
    cursor = connection.cursor()
    try:
        execute(cursor, statement, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return Outcome(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()


def _stop_at_the_second_call() -> Callable[[], bool]:
    """Return a handler for one execution.

    SQLite counts the steps of a prepared statement over all of its executions, so the first call
    only says that they were many together.
    """
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 1

    return stop
