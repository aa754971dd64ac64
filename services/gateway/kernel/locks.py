"""One decision at a time for one owner."""

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.advisory_locks import lock_all


async def lock_owner(connection: AsyncConnection, owner_id: object) -> None:
    """Let one transaction at a time decide for an owner, from what the others have committed.

    Without it two events that together complete something would each miss the other. SQLite has
    one writer anyway. Rows of documents and pages are locked before it, counters of changes after
    it: transactions that took them in another order would lock each other out.
    """
    await lock_all(connection, [owner_id])
