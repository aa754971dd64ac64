"""The secret of each owner that goes into the names of segments."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from libs.common.database.engine import Database
from libs.common.database.upsert import insert_or_ignore
from services.synth.tables import owner_salts

SALT_BYTES = 32
EVERYBODY = ""
"""The owner whose salt all owners use where they share their segments."""


@dataclass(frozen=True)
class OwnerSalts:
    """Salts, made on first use. ``shared``: all owners of the installation have the same one."""

    database: Database
    shared: bool

    async def salt_of(self, owner_id: UUID) -> bytes:
        """Return the owner's salt; the same one in every replica, however many ask at once."""
        owner = EVERYBODY if self.shared else str(owner_id)
        known = select(owner_salts.c.salt).where(owner_salts.c.owner_id == owner)
        for row in await self.database.fetch(known):
            return bytes(row.salt)
        made = secrets.token_bytes(SALT_BYTES)
        async with self.database.transaction() as connection:
            await connection.execute(insert_or_ignore(owner_salts, owner_id=owner, salt=made))
            return bytes((await connection.execute(known)).scalar_one())
