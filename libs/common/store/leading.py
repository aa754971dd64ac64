"""Leads while a block runs: takes a lease, renews it beside the block, and gives it back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog

from libs.common.database.engine import Database
from libs.common.database.single_statements import single_statements
from libs.common.errors import LecternError, Unavailable
from libs.common.store.leases import Lease, release, renew, take

log = structlog.get_logger(__name__)

PER_LEASE = 3
"""How often a lease is renewed in the time that it lasts."""

LOOK_EVERY_S = 1.0
"""How often others look whether a lease is free; more often where leases are short."""


class Leader:
    """Whoever leads now. ``lease`` fences what it writes: see :mod:`.leases`.

    It stops to lead by its own clock, before the database lets somebody else.
    """

    def __init__(self, lease: Lease, until_s: float) -> None:
        self.lease = lease
        self.until_s = until_s

    @property
    def leads(self) -> bool:
        """Whether it leads still, as far as it knows."""
        return monotonic() < self.until_s

    def check(self) -> None:
        """Raise Unavailable if it leads no more."""
        if not self.leads:
            raise Unavailable(f"the lease was lost ({self.lease.name})")


@asynccontextmanager
async def leading(database: Database, name: str, lease_ms: int) -> AsyncIterator[Leader]:
    """Lead while the block runs, waiting until nobody else does.

    Whoever is in the block has to look now and then whether it still leads.

    Raises:
        Unavailable: The database cannot be reached.
    """
    leader = await _elected(database, name, lease_ms)
    renewing = asyncio.create_task(_keep(database, leader, lease_ms), name=f"lease {name}")
    try:
        yield leader
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        with suppress(LecternError):  # then it ends by itself
            async with single_statements(database) as connection:
                await release(connection, leader.lease)


async def _elected(database: Database, name: str, lease_ms: int) -> Leader:
    while True:
        asked_s = monotonic()  # before the database counts from
        async with single_statements(database) as connection:
            lease = await take(connection, name, lease_ms)
        if lease is not None:
            return Leader(lease, asked_s + lease_ms / 1000)
        await asyncio.sleep(min(LOOK_EVERY_S, lease_ms / PER_LEASE / 1000))


async def _keep(database: Database, leader: Leader, lease_ms: int) -> None:
    """Renew the lease until somebody else has it; what fails is tried again."""
    while True:
        await asyncio.sleep(lease_ms / PER_LEASE / 1000)
        asked_s = monotonic()
        try:
            async with single_statements(database) as connection:
                held = await renew(connection, leader.lease, lease_ms)
        except LecternError as error:
            log.warning("a lease was not renewed", lease=leader.lease.name, error=str(error))
            continue
        if not held:
            leader.until_s = 0.0
            log.warning("another process leads", lease=leader.lease.name)
            return
        leader.until_s = asked_s + lease_ms / 1000
