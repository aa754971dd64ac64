"""The secret of the installation that identities of notices are made with."""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import select

from libs.common.database.engine import Database
from libs.common.database.upsert import insert_or_ignore
from services.notifier.notices import Identities
from services.notifier.tables import installation_secret

SECRET_BYTES = 32


@dataclass
class InstallationSecret:
    """It is made on first use, kept in the database, and read once by each process."""

    database: Database
    _known: Identities | None = field(default=None, repr=False)

    async def identities(self) -> Identities:
        """Return the identities under the secret; the same in every replica.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if self._known is None:
            self._known = Identities(await self._read())
        return self._known

    async def _read(self) -> bytes:
        known = select(installation_secret.c.secret)
        for row in await self.database.fetch(known):
            return bytes(row.secret)
        made = secrets.token_bytes(SECRET_BYTES)
        async with self.database.transaction() as connection:
            await connection.execute(insert_or_ignore(installation_secret, number=1, secret=made))
            return bytes((await connection.execute(known)).scalar_one())
