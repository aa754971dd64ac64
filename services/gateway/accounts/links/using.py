"""Using a link of a mail: once, and for what it was made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import ObjectRef
from libs.common.database.advisory_locks import lock_all
from services.gateway.accounts.links.asking import links_of
from services.gateway.accounts.links.link_rows import LinkRow, find_link, removed_links_of, use_link
from services.gateway.accounts.signing_in.login_sessions import end_sessions
from services.gateway.accounts.telling.account_mails import AccountMails, account_notice
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.accounts.tokens import revoke_tokens
from services.gateway.accounts.users import (
    NewUser,
    UserRow,
    add_address,
    addresses_of,
    check_room,
    claim_address,
    create_user,
    has_users,
    locked_user,
    set_password,
    user_of,
)
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.record import CommandTransaction, Kernel

WHAT = "link any more: it was used, or has expired"


@dataclass(frozen=True)
class MailLinkUse:
    """What can be done with links, by who was sent one."""

    kernel: Kernel

    async def look(self, mail_id: UUID, secret: str) -> LinkRow:
        """Return what a link is good for, and change nothing.

        Raises:
            NotFound: It is none, was used, or has expired.
            Rejected: The installation has no links.
        """
        if not links_of(self.kernel.accounts).has_secret(mail_id, secret):
            raise NotFound(WHAT)
        async with self.kernel.database.reading() as connection:
            link = await find_link(connection, mail_id)
        if link is None:
            raise NotFound(WHAT)
        return link

    async def use(self, link: LinkRow, password_hash: str | None, address: str) -> UUID:
        """Do what a link is good for, and return whose account it is about.

        ``password_hash`` is that of the password that was chosen with it; ``address`` is the one of
        the link, or of who uses it, where it has none.

        Raises:
            NotFound: Somebody used it at the same moment.
            Rejected: The address belongs to somebody by now.
        """
        match link.purpose:
            case "register" | "invite":
                return await self._register(link, password_hash or link.password_hash, address)
            case "reset":
                return await self._reset(link, password_hash)
            case "add_address":
                return await self._add_address(link)

    async def _register(self, link: LinkRow, password_hash: str | None, address: str) -> UUID:
        user_id, events = link.user_id or uuid4(), UserEvents(self.kernel)
        user = UserAddress(user_id=user_id, address=address, language=link.language)
        async with events.storing(user) as details, self._using(link, user_id) as command:
            if link.takes_address and await has_users(command.connection):
                raise NotFound(WHAT)
            await create_user(command.connection, _new_user(user, link, details))
            if password_hash is not None:
                await set_password(command.connection, user_id, password_hash)
            await command.apply(events.registered(user_id, details))
        return user_id

    async def _reset(self, link: LinkRow, password_hash: str | None) -> UUID:
        if link.user_id is None or password_hash is None:
            raise NotFound(WHAT)
        user = await self._holder(link.user_id)
        told = account_notice("password_changed", user.address, user.language)
        async with (
            AccountMails(self.kernel).storing(told) as effects,
            self._using(link, link.user_id) as command,
        ):
            connection = command.connection
            now = await _open_account(connection, link.user_id)
            if now.changed_at is not None and now.changed_at >= link.created_at:
                raise NotFound(WHAT)
            await set_password(connection, link.user_id, password_hash)
            await end_sessions(connection, link.user_id)
            await revoke_tokens(connection, link.user_id)
            await command.apply([removed_links_of(link.user_id), *effects])
        return link.user_id

    async def _add_address(self, link: LinkRow) -> UUID:
        if link.user_id is None:
            raise NotFound(WHAT)
        user = await self._holder(link.user_id)
        told = account_notice("address_confirmed", user.address, user.language, link.address)
        async with (
            AccountMails(self.kernel).storing(told) as effects,
            self._using(link, link.user_id) as command,
        ):
            connection = command.connection
            await claim_address(connection, link.address)
            await _open_account(connection, link.user_id)
            check_room(await addresses_of(connection, link.user_id))
            await add_address(connection, link.user_id, link.address, is_primary=False)
            added = UserEvents(self.kernel).address_added(link.user_id)
            await command.apply([*added, *effects])
        return link.user_id

    async def _holder(self, user_id: UUID) -> UserRow:
        async with self.kernel.database.reading() as connection:
            user = await user_of(connection, user_id)
        if user is None or user.disabled_at is not None:
            raise NotFound(WHAT)
        return user

    @asynccontextmanager
    async def _using(self, link: LinkRow, user_id: UUID) -> AsyncIterator[CommandTransaction]:
        """Use a link up, with the locks of what it is about: they come before its row."""
        async with self.kernel.transaction() as command:
            about = [f"address/{link.folded}", f"user/{user_id}"]
            await lock_all(command.connection, about)
            if not await use_link(command.connection, link.mail_id):
                raise NotFound(WHAT)
            yield command


def _new_user(user: UserAddress, link: LinkRow, details: ObjectRef) -> NewUser:
    return NewUser(
        user_id=user.user_id,
        address=user.address,
        language=user.language,
        is_staff=link.is_staff,
        details_key=details.key,
    )


async def _open_account(connection: AsyncConnection, user_id: UUID) -> UserRow:
    """Return whose account it is, under its lock.

    Raises:
        NotFound: It is gone by now, or disabled.
    """
    user = await locked_user(connection, user_id)
    if user is None or user.disabled_at is not None:
        raise NotFound(WHAT)
    return user
