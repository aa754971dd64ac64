"""Preferences, read and written."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.upsert import upsert
from services.gateway.preferences.rows import Preferences
from services.gateway.preferences.tables import preferences


async def preferences_of(connection: AsyncConnection, owner_id: UUID) -> Preferences:
    """Return what somebody prefers; nothing, if they never said."""
    names = [*Preferences.model_fields]
    known = select(*(preferences.c[name] for name in names))
    row = (await connection.execute(known.where(preferences.c.owner_id == str(owner_id)))).first()
    return Preferences() if row is None else Preferences(**dict(zip(names, row, strict=True)))


async def keep_preferences(
    connection: AsyncConnection, owner_id: UUID, preferred: Preferences
) -> None:
    """Have somebody prefer this from now on."""
    changed_at = rfc3339(datetime.now(UTC))
    row = upsert(preferences, {"owner_id": str(owner_id)}, **dict(preferred), changed_at=changed_at)
    await connection.execute(row.statement, row.row)


async def forget_preferences(connection: AsyncConnection, owner_id: UUID) -> None:
    """Forget what somebody preferred."""
    await connection.execute(delete(preferences).where(preferences.c.owner_id == str(owner_id)))
