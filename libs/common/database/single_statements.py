"""Writes that are one statement each: they hold no lock while their writer is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.engine import Database


@asynccontextmanager
async def single_statements(database: Database) -> AsyncIterator[AsyncConnection]:
    """Commit each statement by itself; on SQLite all of them together, in the queue of writers.

    PostgreSQL commits a statement without waiting to hear of it: a process that is frozen between
    two of them holds nothing up. On SQLite one process owns the file. Behind a pooler the limits of
    waiting go with a transaction, so there is one, and the server ends it if it is idle.

    Raises:
        Unavailable: The database cannot be reached.
    """
    if database.sqlite or database.pooler:
        async with database.transaction() as connection:
            yield connection
    else:
        async with database.querying() as connection:
            yield connection
