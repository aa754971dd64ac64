"""Mail addresses of users: how they are compared, and whose they are."""

import unicodedata
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.accounts.tables import addresses, users

_HOLDER = (
    select(addresses.c.user_id)
    .join(users, users.c.user_id == addresses.c.user_id)
    .where(
        addresses.c.folded == bindparam("folded"),
        addresses.c.verified_at.is_not(None),
        users.c.disabled_at.is_(None),
    )
)


def folded(address: str) -> str:
    """Return an address as it is compared: in one form of Unicode, without regard to case.

    RFC 5321 leaves case to whoever reads the mail; nobody tells two people apart by it.
    """
    return unicodedata.normalize("NFKC", address.strip()).casefold()


async def holder_of(connection: AsyncConnection, address: str) -> UUID | None:
    """Return the user whose verified address this is; None if nobody's, or a disabled one's."""
    found = await connection.scalar(_HOLDER, {"folded": folded(address)})
    return None if found is None else UUID(found)
