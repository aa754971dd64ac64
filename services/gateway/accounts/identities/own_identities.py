"""What somebody who is logged in can do about the other sites that they log in with."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import Rejected
from services.gateway.accounts.identities.identity_rows import (
    IdentityRow,
    identities_of,
    unlink_identity,
)
from services.gateway.accounts.telling.account_mails import AccountMails, account_notice
from services.gateway.accounts.users import locked_user, user_of
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True)
class OwnIdentities:
    """The commands and queries of one user."""

    kernel: Kernel
    user_id: UUID

    async def all(self) -> list[IdentityRow]:
        """Return what the user is linked to, oldest first."""
        async with self.kernel.database.reading() as connection:
            return await identities_of(connection, self.user_id)

    async def unlink(self, identity_id: UUID) -> None:
        """Remove an identity; a mail says so.

        Raises:
            NotFound: There is no such identity.
            Rejected: Without it, the user could not log in any more.
        """
        async with self.kernel.database.reading() as connection:
            user = await user_of(connection, self.user_id)
        if user is None:
            raise NotFound("identity")
        notice = account_notice("login_removed", user.address, user.language)
        async with (
            AccountMails(self.kernel).storing(notice) as told,
            self.kernel.transaction() as command,
        ):
            now = await locked_user(command.connection, self.user_id)
            present = await identities_of(command.connection, self.user_id)
            if now is None or identity_id not in {one.identity_id for one in present}:
                raise NotFound("identity")
            if now.hash is None and not self._others(present, identity_id):
                raise Rejected("last_login", "You log in with nothing else; set a password first.")
            await unlink_identity(command.connection, identity_id)
            await command.apply(told)

    def _others(self, present: list[IdentityRow], identity_id: UUID) -> list[IdentityRow]:
        """Return the other identities that one can log in with as the settings are now."""
        usable = {provider.identifier for provider in self.kernel.accounts.providers}
        return [one for one in present if one.identity_id != identity_id and one.issuer in usable]
