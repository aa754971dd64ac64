"""What a transaction knows already, so that none of its parts asks for it again."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

_KEY = "lectern_memory"


def remembered(connection: AsyncConnection, about: str) -> dict[Any, Any]:
    """Return what the transaction of ``connection`` remembers ``about`` something.

    It begins empty, may be added to, and ends with the transaction. Only what stays true until
    then belongs in it: locks that are held, columns that nobody changes.
    """
    transaction = connection.sync_connection and connection.sync_connection.get_transaction()
    whose, _ = connection.info.get(_KEY, (None, None))
    if transaction is None or whose is not transaction:
        connection.info[_KEY] = transaction, {}
    memory: dict[str, dict[Any, Any]] = connection.info[_KEY][1]
    return memory.setdefault(about, {})
