from sqlalchemy import select

from libs.common.database.engine import Database
from services.synth.tables import segment_cache_size


async def total_bytes(database: Database) -> int:
    """Return how many bytes the index says all packs have."""
    rows = await database.fetch(select(segment_cache_size.c.bytes))
    return sum(row.bytes for row in rows)
