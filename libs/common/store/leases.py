"""Who leads: a lease by the database's clock, with a token that fences off whoever led before.

A lock of a session is held for as long as the server believes in the connection: by a frozen host
for hours. A lease ends by itself. Every statement here stands alone, so it works behind a pooler
that lends connections for a transaction, and nobody who is frozen holds a lock.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.errors import Unavailable
from libs.common.store.tables import leases, now_ms


@dataclass(frozen=True)
class Lease:
    """A lease that was taken: every later holder of ``name`` has a higher ``token``."""

    name: str
    token: int


_THIS = and_(leases.c.name == bindparam("lease_name"), leases.c.token == bindparam("lease_token"))
_HELD = select(leases.c.name).where(_THIS)
_GUARD = _HELD.with_for_update()
_RENEW = (
    update(leases)
    .where(_THIS)
    .values(until_ms=now_ms() + bindparam("for_ms", type_=BigInteger()))
    .execution_options(**FEW_ROWS)
)
_RELEASE = update(leases).where(_THIS).values(until_ms=0)

IS_HELD = exists(_HELD)
"""The condition that nobody has taken a lease since, whose :func:`values_of` are parameters."""


def values_of(lease: Lease) -> dict[str, object]:
    """Return the parameters of :data:`IS_HELD`."""
    return {"lease_name": lease.name, "lease_token": lease.token}


async def take(connection: AsyncConnection, name: str, lease_ms: int) -> Lease | None:
    """Take a lease for ``lease_ms`` if nobody holds it; None if somebody does."""
    until_ms = now_ms() + lease_ms
    taking = (
        insert(leases)
        .values(name=name, token=1, until_ms=until_ms)
        .on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"token": leases.c.token + 1, "until_ms": until_ms},
            where=leases.c.until_ms <= now_ms(),
        )
        .returning(leases.c.token)
    )
    token: int | None = await connection.scalar(taking)
    return None if token is None else Lease(name, token)


async def renew(connection: AsyncConnection, lease: Lease, lease_ms: int) -> bool:
    """Hold a lease for ``lease_ms`` from now; False if somebody else has taken it."""
    asked = {**values_of(lease), "for_ms": lease_ms}
    return bool((await connection.execute(_RENEW, asked)).rowcount)


async def release(connection: AsyncConnection, lease: Lease) -> None:
    """Let others take a lease at once, unless somebody has."""
    await connection.execute(_RELEASE, values_of(lease))


async def release_all_leases(connection: AsyncConnection) -> None:
    """Let all leases be taken at once: for who knows that no other process is left."""
    await connection.execute(update(leases).values(until_ms=0))


async def guard(connection: AsyncConnection, lease: Lease) -> None:
    """Keep others from taking a lease until the transaction ends.

    Raises:
        Unavailable: Somebody has taken it already.
    """
    if (await connection.execute(_GUARD, values_of(lease))).first() is None:
        raise Unavailable(f"another process has taken over ({lease.name})")
