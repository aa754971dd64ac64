"""What a transaction knows already, so that none of its parts asks for it again."""

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Transaction
from sqlalchemy.ext.asyncio import AsyncConnection

_MEMORIES: WeakKeyDictionary[Transaction, dict[str, dict[Any, Any]]] = WeakKeyDictionary()
"""They go with their transactions; in a connection's ``info`` they would keep the connection."""


def remembered(connection: AsyncConnection, about: str) -> dict[Any, Any]:
    """Return what the transaction of ``connection`` remembers ``about`` something.

    It begins empty, may be added to, and ends with the transaction or savepoint. Only what stays
    true until then belongs in it: locks that are held, columns that nobody changes. Where every
    statement is committed by itself, nothing is held, and nothing should be remembered.
    """
    sync = connection.sync_connection
    transaction: Transaction | None = None
    if sync is not None:
        transaction = sync.get_nested_transaction() or sync.get_transaction()
    if transaction is None:
        return {}
    return _MEMORIES.setdefault(transaction, {}).setdefault(about, {})
