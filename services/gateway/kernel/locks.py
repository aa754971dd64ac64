"""One decision at a time for one owner."""

import hashlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def lock_owner(connection: AsyncConnection, owner_id: object) -> None:
    """Let one transaction at a time decide for an owner, from what the others have committed.

    Without it two events that together complete something would each miss the other. SQLite has
    one writer anyway. Rows of documents and pages are locked before it, counters of changes after
    it: transactions that took them in another order would lock each other out.
    """
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(str(owner_id).encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
