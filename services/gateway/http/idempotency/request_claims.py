"""Who works on a request with a key: one at a time, in whichever process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.errors import Conflict, LecternError
from libs.common.store.withdrawal import is_unfinished
from services.gateway.http.idempotency.jobs import FORGET_KEYS, forget, forgetting
from services.gateway.http.idempotency.key_rows import (
    LEASE_MS,
    KeptAnswer,
    UsedKey,
    begin,
    commit,
    keep,
    let_go,
    renew,
)
from services.gateway.kernel.record import Kernel

log = structlog.get_logger(__name__)

RENEW_EVERY_S = LEASE_MS / 3000


@dataclass(frozen=True)
class RequestClaim:
    """The right to do what a request asks for, until it is kept or given up."""

    kernel: Kernel
    used: UsedKey

    async def take(self, fingerprint: str | None) -> bool:
        """Take it, and return whether nobody else has it."""
        async with self.kernel.transaction() as command:
            if not await begin(command.connection, self.used, fingerprint):
                return False
            job, delay_ms = forgetting(datetime.now(UTC))
            if not await is_unfinished(command.connection, FORGET_KEYS.name, job.subject):
                await command.apply([forget(job, delay_ms)])
        return True

    async def fence(self, connection: AsyncConnection) -> None:
        """Note, in the transaction that makes what was asked for, that it is made.

        Raises:
            Conflict: Somebody else has taken it over, for this process was silent for too long.
        """
        if not await commit(connection, self.used):
            raise Conflict("idempotency key")

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep it while the block works on it."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def keep(self, fingerprint: str, answer: KeptAnswer) -> None:
        """Keep the answer. If that fails, what was made is there all the same."""
        try:
            async with self.kernel.database.transaction(urgent=True) as connection:
                await keep(connection, self.used, fingerprint, answer)
        except LecternError as error:
            log.warning("an answer was not kept for repetitions", error=str(error))

    async def give_up(self) -> None:
        """Let others have it. If that fails, they have it when the lease is over."""
        try:
            async with self.kernel.database.transaction(urgent=True) as connection:
                await let_go(connection, self.used)
        except LecternError as error:
            log.warning("a request is held until its lease is over", error=str(error))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            with suppress(LecternError):  # the next time, or it is taken over
                async with self.kernel.database.transaction() as connection:
                    await renew(connection, self.used)
