"""What somebody who is logged in can do about their account: the password, and mail addresses."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete

from libs.common.database.advisory_locks import lock_all
from libs.common.errors import Rejected
from services.gateway.accounts.addresses import checked_address, folded
from services.gateway.accounts.commands import NewPassword
from services.gateway.accounts.links.asking import link_asked, links_of
from services.gateway.accounts.links.link_rows import LinkRequest, removed_resets
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.passwords.password_rules import check_password
from services.gateway.accounts.rows import AddressRow
from services.gateway.accounts.signing_in.login_sessions import end_sessions
from services.gateway.accounts.tables import addresses
from services.gateway.accounts.telling.account_mails import (
    DEFAULT_LANGUAGE,
    AccountMails,
    account_notice,
)
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.accounts.users import (
    UserRow,
    addresses_of,
    move_primary,
    set_password,
    user_of,
)
from services.gateway.kernel.errors import NotFound, QuotaExceeded
from services.gateway.kernel.record import Kernel

MOST_ADDRESSES = 20
"""Of one user."""


@dataclass(frozen=True)
class OwnAccount:
    """The commands and queries of one user."""

    kernel: Kernel
    hashing: PasswordHashing
    user_id: UUID

    async def user(self) -> UserRow:
        """Return who it is.

        Raises:
            NotFound: An owner without an account, who has but a token.
        """
        async with self.kernel.database.reading() as connection:
            user = await user_of(connection, self.user_id)
        if user is None:
            raise NotFound("account")
        return user

    async def addresses(self) -> list[AddressRow]:
        """Return the addresses that were confirmed."""
        async with self.kernel.database.reading() as connection:
            return await addresses_of(connection, self.user_id)

    async def check_own(self, password: str | None) -> UserRow:
        """Return who it is, if this is their password; who has none need not know it.

        Raises:
            Rejected: It is another one.
        """
        user = await self.user()
        if user.hash is not None and not await self.hashing.fits(password or "", user.hash):
            raise Rejected("bad_password", "This is not your password.")
        return user

    async def change_password(
        self, current: str | None, chosen: NewPassword, session: str | None
    ) -> None:
        """Set a password, and end all sessions but the one of this digest.

        Raises:
            Rejected: ``current`` is wrong, or the new one is too weak.
        """
        user = await self.check_own(current)
        check_password(chosen.password, chosen.again, user.address)
        hashed = await self.hashing.hashed(chosen.password)
        notice = account_notice("password_changed", user.address, user.language)
        async with (
            AccountMails(self.kernel).storing(notice) as told,
            self.kernel.transaction() as command,
        ):
            await set_password(command.connection, self.user_id, hashed)
            await end_sessions(command.connection, self.user_id, except_digest=session)
            await command.apply([removed_resets(self.user_id), *told])

    async def add_address(self, address: str) -> None:
        """Have a mail sent whose link adds an address; nobody learns whether it is somebody's.

        Raises:
            Rejected: It is no address.
            QuotaExceeded: There are as many as one may have.
        """
        user, checked = await self.user(), checked_address(address)
        links_of(self.kernel.accounts)
        if len(await self.addresses()) >= MOST_ADDRESSES:
            raise QuotaExceeded(f"An account has {MOST_ADDRESSES} addresses at most.")
        asked = LinkRequest(
            purpose="add_address",
            address=checked,
            language=user.language or DEFAULT_LANGUAGE,
            user_id=self.user_id,
        )
        async with self.kernel.transaction() as command:
            await command.apply(link_asked(asked.row()))

    async def make_primary(self, address_id: UUID) -> None:
        """Have mails go to another address of the account; the one of before is told.

        Raises:
            NotFound: There is no such address.
        """
        before, wanted = await self.user(), await self._address(address_id)
        if folded(before.address) == folded(wanted.address):
            return
        language = before.language or DEFAULT_LANGUAGE
        events = UserEvents(self.kernel)
        address = UserAddress(user_id=self.user_id, address=wanted.address, language=language)
        notice = account_notice("address_changed", before.address, language, wanted.address)
        async with (
            events.storing(address) as details,
            AccountMails(self.kernel).storing(notice) as told,
            self.kernel.transaction() as command,
        ):
            connection = command.connection
            await lock_all(connection, [f"user/{self.user_id}"])
            now = await user_of(connection, self.user_id)
            known = [one.address_id for one in await addresses_of(connection, self.user_id)]
            if now is None or address_id not in known:
                raise NotFound("address")
            await move_primary(connection, self.user_id, address_id, details.key)
            changed = events.address_changed(self.user_id, details, now.details_key)
            await command.apply([*changed, *told])

    async def remove_address(self, address_id: UUID) -> None:
        """Remove an address.

        Raises:
            NotFound: There is no such address.
            Rejected: It is the one that mails go to.
        """
        await self._address(address_id)
        removed = delete(addresses).where(
            addresses.c.user_id == str(self.user_id),
            addresses.c.address_id == str(address_id),
            addresses.c.is_primary.is_(False),
        )
        async with self.kernel.transaction() as command:
            await lock_all(command.connection, [f"user/{self.user_id}"])
            if not (await command.connection.execute(removed)).rowcount:
                said = "Mails go to this address; have them go to another one first."
                raise Rejected("primary_address", said)
            await command.apply([removed_resets(self.user_id)])

    async def _address(self, address_id: UUID) -> AddressRow:
        for found in await self.addresses():
            if found.address_id == address_id:
                return found
        raise NotFound("address")
