"""Using a link of a mail: once, and for what it was made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import ObjectRef
from services.gateway.accounts.links.asking import links_of
from services.gateway.accounts.links.link_rows import LinkRow, find_link, removed_resets, use_link
from services.gateway.accounts.signing_in.login_sessions import end_sessions
from services.gateway.accounts.telling.account_mails import AccountMails, account_notice
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.accounts.users import (
    NewUser,
    add_address,
    claim_address,
    create_user,
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

    async def use(self, link: LinkRow, password_hash: str | None) -> UUID:
        """Do what a link is good for, and return whose account it is about.

        ``password_hash`` is that of the password that was chosen with it.

        Raises:
            NotFound: Somebody used it at the same moment.
            Rejected: The address belongs to somebody by now.
        """
        match link.purpose:
            case "register" | "invite":
                return await self._register(link, password_hash or link.password_hash)
            case "reset":
                return await self._reset(link, password_hash)
            case "add_address":
                return await self._add_address(link)

    async def _register(self, link: LinkRow, password_hash: str | None) -> UUID:
        user_id, events = link.user_id or uuid4(), UserEvents(self.kernel)
        address = UserAddress(user_id=user_id, address=link.address, language=link.language)
        async with events.storing(address) as details, self._using(link) as command:
            await self._create(command.connection, link, user_id, details)
            if password_hash is not None:
                await set_password(command.connection, user_id, password_hash)
            await command.apply(events.registered(user_id, details))
        return user_id

    async def _create(
        self, connection: AsyncConnection, link: LinkRow, user_id: UUID, details: ObjectRef
    ) -> None:
        new = NewUser(
            user_id=user_id,
            address=link.address,
            language=link.language,
            is_staff=link.is_staff,
            details_key=details.key,
        )
        await create_user(connection, new)

    async def _reset(self, link: LinkRow, password_hash: str | None) -> UUID:
        if link.user_id is None or password_hash is None:
            raise NotFound(WHAT)
        async with self._using(link) as command:
            user = await user_of(command.connection, link.user_id)
            if user is None or user.disabled_at is not None:
                raise NotFound(WHAT)
            await set_password(command.connection, link.user_id, password_hash)
            await end_sessions(command.connection, link.user_id)
            await command.connection.execute(removed_resets(link.user_id))
        told = account_notice("password_changed", user.address, user.language)
        await AccountMails(self.kernel).tell(told)
        return link.user_id

    async def _add_address(self, link: LinkRow) -> UUID:
        if link.user_id is None:
            raise NotFound(WHAT)
        async with self._using(link) as command:
            if await user_of(command.connection, link.user_id) is None:
                raise NotFound(WHAT)
            await claim_address(command.connection, link.address)
            await add_address(command.connection, link.user_id, link.address, is_primary=False)
            await command.apply(UserEvents(self.kernel).address_added(link.user_id))
        return link.user_id

    @asynccontextmanager
    async def _using(self, link: LinkRow) -> AsyncIterator[CommandTransaction]:
        async with self.kernel.transaction() as command:
            if not await use_link(command.connection, link.mail_id):
                raise NotFound(WHAT)
            yield command
