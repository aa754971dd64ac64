"""The engine for a SQLite file."""

import asyncio
import sqlite3
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from libs.common.database.sqlite.sqlite_dialect import (
    BEGIN_TO_READ,
    BEGIN_TO_WRITE,
    BUSY_TIMEOUT_S,
    DRIVER,
)
from libs.common.database.sqlite.write_ahead_log import MOST_PAGES

READ_ONLY = {"lectern_read_only": True}
NO_TRANSACTION = {"lectern_no_transaction": True}
LOG_AGAIN_S = 0.01
PRIMARY = 0xFF
"""The part of an error's code that is its kind: https://sqlite.org/rescode.html"""


def sqlite_engine(url: str) -> AsyncEngine:
    """Return an engine that makes the folder of the file if need be.

    Options of a connection: ``READ_ONLY`` and ``NO_TRANSACTION``; else it begins to write at once.
    """
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    quick = make_url(url).set(drivername=DRIVER)
    engine = create_async_engine(
        quick, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        _begin_log(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA wal_autocheckpoint={MOST_PAGES}")
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
        reads = options.get("lectern_read_only")
        driver.begin_first = BEGIN_TO_READ if reads else BEGIN_TO_WRITE

    return engine


def _begin_log(cursor: Any) -> None:
    """Have the file keep a write-ahead log, which it does from then on.

    While another connection begins it, SQLite says that the file is locked, and waits for nothing.
    """
    until = monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY != sqlite3.SQLITE_BUSY or monotonic() >= until:
                raise
            await_only(asyncio.sleep(LOG_AGAIN_S))
        else:
            return
