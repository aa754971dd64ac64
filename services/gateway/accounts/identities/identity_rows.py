"""Identities in their table: accounts at other sites, and whose they are here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.tables import identities
from services.gateway.kernel.rows import RowReader


@dataclass(frozen=True, kw_only=True)
class IdentityRow:
    """One of them."""

    identity_id: UUID
    issuer: str
    subject: str = field(repr=False)
    user_id: UUID
    created_at: str
    last_used_at: str


IDENTITIES = RowReader(IdentityRow, identities)
_BY_SUBJECT = IDENTITIES.select().where(
    identities.c.issuer == bindparam("of_issuer"), identities.c.subject == bindparam("of_subject")
)
_OF_USER = (
    IDENTITIES.select()
    .where(identities.c.user_id == bindparam("of_user"))
    .order_by(identities.c.created_at, identities.c.identity_id)
)


async def identity_of(connection: AsyncConnection, proven: ProvenIdentity) -> IdentityRow | None:
    """Return an identity, if it is linked to somebody."""
    asked = {"of_issuer": proven.issuer, "of_subject": proven.subject}
    return await IDENTITIES.one(connection, _BY_SUBJECT, asked)


async def identities_of(connection: AsyncConnection, user_id: UUID) -> list[IdentityRow]:
    """Return what a user is linked to, oldest first."""
    return await IDENTITIES.all(connection, _OF_USER, {"of_user": str(user_id)})


async def link_identity(connection: AsyncConnection, proven: ProvenIdentity, user_id: UUID) -> None:
    """Link an identity; its lock and the user's come first."""
    now = rfc3339(datetime.now(UTC))
    row = {
        "identity_id": str(uuid4()),
        "issuer": proven.issuer,
        "subject": proven.subject,
        "user_id": str(user_id),
        "created_at": now,
        "last_used_at": now,
    }
    await connection.execute(insert(identities).values(row))


async def note_use(connection: AsyncConnection, proven: ProvenIdentity) -> None:
    """Note that somebody came in by an identity."""
    used = update(identities).where(
        identities.c.issuer == proven.issuer, identities.c.subject == proven.subject
    )
    await connection.execute(used.values(last_used_at=rfc3339(datetime.now(UTC))))


async def unlink_identity(connection: AsyncConnection, identity_id: UUID) -> None:
    """Remove an identity; the lock of its user comes first."""
    await connection.execute(delete(identities).where(identities.c.identity_id == str(identity_id)))
