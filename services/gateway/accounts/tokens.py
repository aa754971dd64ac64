"""Bearer tokens: random, stored as digests, shown once.

A token is 32 random bytes, so a plain SHA-256 is enough to store it: there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, or_, select, update

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.engine import Database
from services.gateway.accounts.rows import TokenRow
from services.gateway.accounts.tables import tokens
from services.gateway.kernel.rows import RowReader

PREFIX = "lectern_"
TOKENS = RowReader(TokenRow, tokens)

_VALID = select(tokens.c.owner_id, tokens.c.name).where(
    tokens.c.sha256 == bindparam("digest"),
    tokens.c.revoked_at.is_(None),
    or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now")),
)


@dataclass(frozen=True)
class Caller:
    """Who is asking."""

    owner_id: UUID
    name: str


class Tokens:
    """Issues, checks and revokes bearer tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, name: str, owner_id: UUID | None = None, valid_days: int | None = None
    ) -> tuple[UUID, str]:
        """Return the owner's id and a new token for it, which cannot be shown again."""
        owner = owner_id or uuid4()
        token = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        expires = None if valid_days is None else rfc3339(now + timedelta(days=valid_days))
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(tokens).values(
                    token_id=str(uuid4()),
                    sha256=_digest(token),
                    owner_id=str(owner),
                    name=name,
                    created_at=rfc3339(now),
                    expires_at=expires,
                )
            )
        return owner, token

    async def caller(self, token: str) -> Caller | None:
        """Return whose token this is, or None if it is not valid now."""
        now = rfc3339(datetime.now(UTC))
        async with self._database.reading() as connection:
            found = await connection.execute(_VALID, {"digest": _digest(token), "now": now})
            row = found.first()
        return Caller(UUID(row.owner_id), row.name) if row else None

    async def revoke(self, name: str) -> int:
        """Make all tokens of ``name`` invalid and return how many there were."""
        async with self._database.transaction() as connection:
            result = await connection.execute(
                update(tokens)
                .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
                .values(revoked_at=rfc3339(datetime.now(UTC)))
            )
        return int(result.rowcount)

    async def listing(self) -> list[TokenRow]:
        """Return every token's name, owner and moments, oldest first; never the token."""
        async with self._database.reading() as connection:
            return await TOKENS.all(connection, TOKENS.select().order_by(tokens.c.created_at))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
