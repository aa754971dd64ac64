"""Locks that one process at a time holds for as long as it likes, unless it freezes."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.common.database.advisory_locks import lock_number
from libs.common.database.outages import translated
from libs.common.errors import Unavailable

RETRY_S = 0.2

_TRY = text("SELECT pg_try_advisory_xact_lock(:number)")


@asynccontextmanager
async def file_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock of a file, which ends with the process."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(RETRY_S)
        yield
    finally:
        os.close(handle)


@asynccontextmanager
async def transaction_lock(engine: AsyncEngine, name: str, idle_s: float) -> AsyncIterator[None]:
    """Hold an advisory lock of PostgreSQL in a transaction of its own.

    A lock of a session would stay when its holder freezes, and PgBouncer would hand the session on.
    The holder asks for something three times in ``idle_s``, which is how long the server lets a
    transaction be idle; from one that does not it takes the lock.

    Raises:
        Unavailable: The database cannot be reached, or the lock was lost, which ends the block.
    """
    number = {"number": lock_number(name)}
    while True:
        async with translated(), engine.connect() as connection:
            if await connection.scalar(_TRY, number):
                async with _kept(connection, idle_s / 3):
                    yield
                return
        await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def _kept(connection: AsyncConnection, every_s: float) -> AsyncIterator[None]:
    """Keep the transaction of ``connection`` from being idle while the block runs.

    Raises:
        Unavailable: It was lost.
    """

    async def keep() -> None:
        while True:
            await asyncio.sleep(every_s)
            await connection.execute(text("SELECT 1"))

    def ended(keeping: asyncio.Task[None]) -> None:
        if not keeping.cancelled() and not left:
            holding.reschedule(0)  # ends the block

    left = False
    keeping = asyncio.create_task(keep(), name="keep a lock")
    holding = asyncio.timeout(None)
    try:
        async with holding:
            keeping.add_done_callback(ended)
            try:
                yield
            finally:
                left = True
                keeping.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await keeping
    except TimeoutError as error:
        if holding.expired():
            raise Unavailable("a lock was lost") from error
        raise
