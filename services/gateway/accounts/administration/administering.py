"""What operators do about accounts, from the command line."""

from dataclasses import dataclass, field
from uuid import UUID

from services.gateway.accounts.addresses import checked_address
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.links.asking import link_asked, links_of
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.users import has_users, taken_address, user_at, user_of
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """Who is to have an account; ``owner_id`` is whose documents they are to have."""

    address: str = field(repr=False)
    is_staff: bool = False
    owner_id: UUID | None = None


@dataclass(frozen=True)
class Administration:
    """The commands."""

    kernel: Kernel

    async def link_for(self, newcomer: Newcomer) -> str:
        """Return the path of a link with which somebody chooses a password; no mail is sent.

        Raises:
            Rejected: The address is none, or somebody's; the owner has an account; there is no key.
        """
        return await self._invite(newcomer, mailed=False)

    async def invite(self, newcomer: Newcomer) -> None:
        """Have somebody sent a mail with such a link.

        Raises:
            Rejected: As :meth:`link_for` does.
        """
        await self._invite(newcomer, mailed=True)

    async def first_link(self, owner_id: UUID) -> str | None:
        """Return the path of a link for the first one to have an account; None if there is any.

        Whoever uses it says which address is theirs, is staff, and has what ``owner_id`` owns.
        """
        async with self.kernel.database.reading() as connection:
            if await has_users(connection):
                return None
        return await self._recorded(
            LinkRequest(purpose="invite", address="", user_id=owner_id, is_staff=True), mailed=False
        )

    async def disable(self, address: str) -> bool:
        """Close an account for now; False if it is so already.

        Raises:
            NotFound: It is nobody's address.
        """
        return await AccountClosing(self.kernel).disable(await self._user_at(address), None)

    async def enable(self, address: str) -> bool:
        """Open an account again; False if it is open.

        Raises:
            NotFound: It is nobody's address.
        """
        return await AccountClosing(self.kernel).enable(await self._user_at(address), None)

    async def _invite(self, newcomer: Newcomer, *, mailed: bool) -> str:
        address = checked_address(newcomer.address)
        async with self.kernel.database.reading() as connection:
            if await user_at(connection, address) is not None:
                raise taken_address()
            owner = newcomer.owner_id
            if owner is not None and await user_of(connection, owner) is not None:
                raise taken_address()
        asked = LinkRequest(
            purpose="invite", address=address, user_id=owner, is_staff=newcomer.is_staff
        )
        return await self._recorded(asked, mailed=mailed)

    async def _recorded(self, asked: LinkRequest, *, mailed: bool) -> str:
        links, link = links_of(self.kernel.accounts), asked.row()
        async with self.kernel.transaction() as command:
            await command.apply(link_asked(link, mailed=mailed))
        return links.path(link.mail_id)

    async def _user_at(self, address: str) -> UUID:
        async with self.kernel.database.reading() as connection:
            user = await user_at(connection, address)
        if user is None:
            raise NotFound("account")
        return user.user_id
