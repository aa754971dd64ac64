"""Who leads: a lease by the database's clock, with a token that fences off whoever led before.

A lock of a session is held for as long as the server believes in the connection: by a frozen host
for hours. A lease ends by itself. Every statement here stands alone, so it works behind a pooler
that lends connections for a transaction, and nobody who is frozen holds a lock.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.errors import Unavailable
from libs.common.store.tables import leases, now_ms


@dataclass(frozen=True)
class Lease:
    """A lease that was taken: every later holder of ``name`` has a higher ``token``."""

    name: str
    token: int


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
    renewing = update(leases).where(*_of(lease)).values(until_ms=now_ms() + lease_ms)
    return bool((await connection.execute(renewing)).rowcount)


async def release(connection: AsyncConnection, lease: Lease) -> None:
    """Let others take a lease at once, unless somebody has."""
    await connection.execute(update(leases).where(*_of(lease)).values(until_ms=0))


async def release_all_leases(connection: AsyncConnection) -> None:
    """Let all leases be taken at once: for who knows that no other process is left."""
    await connection.execute(update(leases).values(until_ms=0))


def is_held(lease: Lease) -> ColumnElement[bool]:
    """Return the condition that nobody has taken ``lease`` since."""
    return exists(select(leases.c.name).where(*_of(lease)))


async def guard(connection: AsyncConnection, lease: Lease) -> None:
    """Keep others from taking a lease until the transaction ends.

    Raises:
        Unavailable: Somebody has taken it already.
    """
    held = select(leases.c.name).where(*_of(lease)).with_for_update()
    if (await connection.execute(held)).first() is None:
        raise Unavailable(f"another process has taken over ({lease.name})")


def _of(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return leases.c.name == lease.name, leases.c.token == lease.token
