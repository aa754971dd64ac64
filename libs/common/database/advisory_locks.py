"""Locks of names, held until the end of a transaction: PostgreSQL's advisory locks."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.transaction_memory import remembered

_LOCK_ALL = text(
    "SELECT pg_advisory_xact_lock(number) "
    "FROM (SELECT unnest(:numbers) AS number ORDER BY number) AS ordered"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger())))


def lock_number(name: str) -> int:
    """Return the number that stands for ``name``: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


async def lock_all(connection: AsyncConnection, names: Iterable[object]) -> None:
    """Hold the locks of all ``names`` until the transaction ends, waiting for others if need be.

    They are taken in one order, so that two that want several do not wait for each other. What the
    transaction reads afterwards is what earlier holders have committed. What it holds already is
    not asked for again. SQLite has one writer anyway, and nothing is locked.

    Raises:
        DBAPIError: Somebody held one of them for too long (PostgreSQL's 55P03), which
            ``Database.transaction`` makes Unavailable.
    """
    if connection.dialect.name != "postgresql":
        return
    held = remembered(connection, "advisory locks")
    numbers = sorted({lock_number(str(name)) for name in names} - held.keys())
    if numbers:
        await connection.execute(_LOCK_ALL, {"numbers": numbers})
        held.update(dict.fromkeys(numbers))
