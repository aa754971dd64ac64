"""Which errors of a database are outages, and may pass, and which are ours."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from libs.common.errors import Unavailable

PASSING = ("08", "25P03", "40", "53", "55P03", "57", "58")
"""How the SQLSTATE of an error begins that may pass: lost connections, transactions that were idle
for too long, deadlocks, too many clients, locks, a server that starts or stops or gave a statement
up, its disks (PostgreSQL's manual, appendix A)."""

SQLITE_OURS = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE)
"""What SQLite reports as an OperationalError too though the statement itself is wrong."""


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Raise Unavailable in place of whatever an outage raises, and leave all else as it is."""
    try:
        yield
    except (NoFreeConnection, OSError) as error:
        raise Unavailable(f"the database did not answer ({type(error).__name__})") from error
    except DBAPIError as error:
        if error.connection_invalidated or _was_closed(error):
            raise Unavailable("the connection to the database was lost") from error
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if state.startswith(PASSING):
            raise Unavailable(f"the database could not do it now ({state})") from error
        code = getattr(error.orig, "sqlite_errorcode", None)
        if isinstance(error, OperationalError) and code not in SQLITE_OURS:
            raise Unavailable(f"the database did not answer ({type(error).__name__})") from error
        raise


def _was_closed(error: DBAPIError) -> bool:
    """Whether asyncpg found its connection closed.

    It has one type of error for that, for arguments of a wrong number or type and for the misuse of
    a connection.
    """
    return "connection is closed" in str(error.orig)
