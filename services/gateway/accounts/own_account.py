"""What somebody who is logged in can do about their account: the password, and mail addresses."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.errors import Rejected
from services.gateway.accounts.addresses import checked_address, folded
from services.gateway.accounts.commands import NewPassword
from services.gateway.accounts.links.asking import link_asked, links_of
from services.gateway.accounts.links.link_rows import LinkRequest, removed_links_of
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.passwords.password_rules import check_password
from services.gateway.accounts.rows import AddressRow, SessionRow
from services.gateway.accounts.signing_in.login_sessions import (
    NewSession,
    end_sessions,
    open_session,
    renew_session,
)
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
    check_room,
    lock_user,
    locked_user,
    move_primary,
    set_password,
    user_of,
)
from services.gateway.kernel.errors import Forbidden, NotFound
from services.gateway.kernel.record import Kernel

OF_PROOF = ("not_found", "bad_password", "log_in_again", "session_needed")
"""The codes of problems with proving who one is."""
RECENT = timedelta(minutes=15)
"""Whoever has no password must have logged in no longer ago, to change who gets in."""


class LoginTooOld(Forbidden):
    """Somebody without a password logged in too long ago."""

    code = "log_in_again"


@dataclass(frozen=True, kw_only=True)
class OwnProof:
    """That somebody is who they say: the digest of their session, and their password."""

    session: str
    password: str | None = field(repr=False)


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

    async def check_own(self, proof: OwnProof) -> UserRow:
        """Return who it is, if this is their password; who has none has logged in just now.

        Raises:
            Rejected: It is another one.
            LoginTooOld: They have none, and logged in too long ago.
        """
        user = await self.user()
        if user.hash is None:
            await self._check_recent(proof.session)
        elif not await self.hashing.fits(proof.password or "", user.hash):
            raise _bad_password()
        return user

    async def change_password(self, proof: OwnProof, chosen: NewPassword) -> NewSession:
        """Set a password, end all other sessions and give this one a new secret.

        Raises:
            Rejected: The password of before is wrong, or the new one is too weak.
        """
        user = await self.check_own(proof)
        check_password(chosen.password, chosen.again, user.address)
        hashed = await self.hashing.hashed(chosen.password)
        notice = account_notice("password_changed", user.address, user.language)
        async with (
            AccountMails(self.kernel).storing(notice) as told,
            self.kernel.transaction() as command,
        ):
            connection = command.connection
            session = await _unchanged(connection, user, proof)
            await set_password(connection, self.user_id, hashed)
            await end_sessions(connection, self.user_id, except_id=session.session_id)
            renewed = await renew_session(connection, session)
            await command.apply([removed_links_of(self.user_id), *told])
        return renewed

    async def add_address(self, address: str, proof: OwnProof) -> None:
        """Have a mail sent whose link adds an address; nobody learns whether it is somebody's.

        Raises:
            Rejected: It is no address, or the password is wrong.
            QuotaExceeded: There are as many as one may have.
        """
        checked, user = checked_address(address), await self.check_own(proof)
        links_of(self.kernel.accounts)
        check_room(await self.addresses())
        asked = LinkRequest(
            purpose="add_address",
            address=checked,
            language=user.language or DEFAULT_LANGUAGE,
            user_id=self.user_id,
        )
        async with self.kernel.transaction() as command:
            await _unchanged(command.connection, user, proof)
            await command.apply(link_asked(asked.row()))

    async def make_primary(self, address_id: UUID, proof: OwnProof) -> None:
        """Have mails go to another address of the account; the one of before is told.

        Raises:
            NotFound: There is no such address.
            Rejected: The password is wrong.
        """
        before, wanted = await self.check_own(proof), await self._address(address_id)
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
            await _unchanged(connection, before, proof)
            known = [one.address_id for one in await addresses_of(connection, self.user_id)]
            now = await user_of(connection, self.user_id)
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
            await lock_user(command.connection, self.user_id)
            if not (await command.connection.execute(removed)).rowcount:
                said = "Mails go to this address; have them go to another one first."
                raise Rejected("primary_address", said)
            await command.apply([removed_links_of(self.user_id)])

    async def _check_recent(self, session: str) -> None:
        async with self.kernel.database.reading() as connection:
            found = await open_session(connection, session)
        since = datetime.now(UTC) - RECENT
        if found is None or datetime.fromisoformat(found.created_at) < since:
            raise LoginTooOld("You have no password here, so log in again, and then do this.")

    async def _address(self, address_id: UUID) -> AddressRow:
        for found in await self.addresses():
            if found.address_id == address_id:
                return found
        raise NotFound("address")


async def _unchanged(connection: AsyncConnection, user: UserRow, proof: OwnProof) -> SessionRow:
    """Return the session that somebody came with, if all is as it was when they proved themselves.

    Raises:
        NotFound: The account or the session is gone by now.
        Rejected: The password is another one by now.
    """
    now = await locked_user(connection, user.user_id)
    session = await open_session(connection, proof.session)
    if now is None or session is None:
        raise NotFound("session")
    if now.hash != user.hash:
        raise _bad_password()
    return session


def _bad_password() -> Rejected:
    return Rejected("bad_password", "This is not your password.")
