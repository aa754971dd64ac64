"""Closing accounts: for now, for ever, and opening them again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Update, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.advisory_locks import lock_all
from libs.common.errors import Rejected
from services.gateway.accounts.links.link_rows import removed_links_of, removed_links_to
from services.gateway.accounts.signing_in.login_sessions import end_sessions
from services.gateway.accounts.tables import (
    addresses,
    identities,
    login_flows,
    mail_links,
    passwords,
    tokens,
    users,
)
from services.gateway.accounts.telling.user_events import UserEvents
from services.gateway.accounts.tokens import revoke_tokens
from services.gateway.accounts.users import UserRow, locked_user
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.record import CommandTransaction, Kernel


@dataclass(frozen=True)
class AccountClosing:
    """What the staff of an installation does, and users do to their own accounts.

    Whoever calls it forgets the callers of the user that this process knows; others know within
    ``callers.KNOWN_FOR_S`` seconds.
    """

    kernel: Kernel

    async def disable(self, user_id: UUID, by: UUID | None) -> bool:
        """End sessions and tokens, and let nobody log in; False if it is so already.

        Raises:
            NotFound: There is no such account.
            Rejected: Nobody else is staff.
        """
        now = rfc3339(datetime.now(UTC))
        async with self._about(user_id) as (command, user):
            if user.disabled_at is not None:
                return False
            await keep_some_staff(command.connection, user)
            await command.connection.execute(_disabled(user_id, now))
            await end_sessions(command.connection, user_id)
            await revoke_tokens(command.connection, user_id)
            told = UserEvents(self.kernel).disabled(user_id, by)
            await command.apply([removed_links_of(user_id), *told])
        return True

    async def enable(self, user_id: UUID, by: UUID | None) -> bool:
        """Let somebody log in again, who makes new tokens; False if they could all the time.

        Raises:
            NotFound: There is no such account.
        """
        async with self._about(user_id) as (command, user):
            if user.disabled_at is None:
                return False
            await command.connection.execute(_disabled(user_id, None))
            await command.apply(UserEvents(self.kernel).enabled(user_id, by))
        return True

    async def delete(self, user_id: UUID, by: UUID | None) -> None:
        """Delete an account, its sessions and tokens; features that have more follow the event.

        Raises:
            NotFound: There is no such account.
            Rejected: Nobody else is staff.
        """
        async with self._about(user_id) as (command, user):
            await keep_some_staff(command.connection, user)
            await _forget(command.connection, user_id)
            await command.apply(UserEvents(self.kernel).deleted(user_id, by))

    @asynccontextmanager
    async def _about(self, user_id: UUID) -> AsyncIterator[tuple[CommandTransaction, UserRow]]:
        async with self.kernel.transaction() as command:
            user = await locked_user(command.connection, user_id)
            if user is None:
                raise NotFound("account")
            yield command, user


def _disabled(user_id: UUID, at: str | None) -> Update:
    return update(users).where(users.c.user_id == str(user_id)).values(disabled_at=at)


async def _forget(connection: AsyncConnection, user_id: UUID) -> None:
    await end_sessions(connection, user_id)
    await connection.execute(removed_links_to(user_id))
    await connection.execute(delete(tokens).where(tokens.c.owner_id == str(user_id)))
    for table in (mail_links, login_flows, identities, passwords, addresses, users):
        await connection.execute(delete(table).where(table.c.user_id == str(user_id)))


async def keep_some_staff(connection: AsyncConnection, leaving: UserRow) -> None:
    """Let nobody leave who is the last of the staff: of two who leave at once, one stays.

    Raises:
        Rejected: There is nobody else.
    """
    if not leaving.is_staff or leaving.disabled_at is not None:
        return
    await lock_all(connection, ["staff"])
    others = select(users.c.user_id).where(
        users.c.is_staff.is_(True),
        users.c.disabled_at.is_(None),
        users.c.user_id != str(leaving.user_id),
    )
    if await connection.scalar(others.limit(1)) is None:
        said = "This is the last account of the staff; invite somebody as staff first."
        raise Rejected("last_staff", said)
