"""What people can do about their accounts; no answer tells whether somebody else has one."""

from dataclasses import dataclass, field
from uuid import UUID

from libs.common.errors import Rejected
from services.gateway.accounts.addresses import checked_address
from services.gateway.accounts.links.asking import link_asked, links_of
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.links.using import MailLinkUse
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.passwords.password_rules import check_password
from services.gateway.accounts.signing_in.login_sessions import (
    NewSession,
    begin_session,
    end_session_of,
)
from services.gateway.accounts.users import locked_user, user_at
from services.gateway.kernel.errors import Forbidden
from services.gateway.kernel.record import Kernel


class SignUpClosed(Forbidden):
    """Nobody may register here, or only who was invited."""

    code = "sign_up_closed"


@dataclass(frozen=True, kw_only=True)
class NewPassword:
    """A password, typed twice."""

    password: str = field(repr=False)
    again: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Login:
    """What somebody logs in with, and from where; ``session`` is the secret of one to end."""

    address: str = field(repr=False)
    password: str = field(repr=False)
    agent: str
    remembered: bool
    session: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AccountCommands:
    """The commands for people who are not logged in."""

    kernel: Kernel
    hashing: PasswordHashing

    async def register(self, address: str, chosen: NewPassword, language: str) -> None:
        """Have somebody sent a mail whose link makes an account.

        Raises:
            SignUpClosed: Not everybody may register.
            Rejected: The address is none, or the password is too weak.
        """
        if self.kernel.accounts.sign_up != "open":
            raise SignUpClosed("Registration is not open here; ask who runs it to invite you.")
        links_of(self.kernel.accounts)
        checked = checked_address(address)
        hashed = await self._hashed(chosen, checked)
        await self._ask(
            LinkRequest(
                purpose="register", address=checked, language=language, password_hash=hashed
            )
        )

    async def ask_reset(self, address: str, language: str) -> None:
        """Have somebody sent a mail whose link sets a new password, if they have an account.

        Raises:
            Rejected: The address is none.
        """
        links_of(self.kernel.accounts)
        checked = checked_address(address)
        await self._ask(LinkRequest(purpose="reset", address=checked, language=language))

    async def log_in(self, login: Login) -> NewSession | None:
        """Begin a session; None where address and password do not belong together.

        Raises:
            Throttled: Too many log in just now.
        """
        async with self.kernel.database.reading() as connection:
            user = await user_at(connection, login.address)
        kept = user.hash if user is not None and user.disabled_at is None else None
        if not await self.hashing.fits(login.password, kept) or user is None:
            return None
        async with self.kernel.transaction() as command:
            connection = command.connection
            now = await locked_user(connection, user.user_id)
            if now is None or now.hash != kept or now.disabled_at is not None:
                return None
            if login.session is not None:
                await end_session_of(connection, login.session)
            return await begin_session(
                connection, user.user_id, login.agent, remembered=login.remembered
            )

    async def use_link(
        self, mail_id: UUID, secret: str, chosen: NewPassword, address: str = ""
    ) -> UUID:
        """Do what the link of a mail is good for, and return whose account it is about.

        ``address`` is asked for by the link of the first one to have an account.

        Raises:
            NotFound: It is no link, was used, or has expired.
            Rejected: The password is too weak, or neither the one that was chosen nor typed twice;
                or the address is somebody's by now.
        """
        links = MailLinkUse(self.kernel)
        link = await links.look(mail_id, secret)
        address = checked_address(address) if link.takes_address else link.address
        takes_password = link.takes_password
        if link.asks_password and not await self.hashing.fits(chosen.password, link.password_hash):
            if not chosen.again:
                said = "This is not the password that was chosen. To choose another, type it twice."
                raise Rejected("bad_password", said)
            takes_password = True
        hashed = await self._hashed(chosen, address) if takes_password else None
        return await links.use(link, hashed, address)

    async def _ask(self, asked: LinkRequest) -> None:
        async with self.kernel.transaction() as command:
            await command.apply(link_asked(asked.row()))

    async def _hashed(self, chosen: NewPassword, address: str) -> str:
        check_password(chosen.password, chosen.again, address)
        return await self.hashing.hashed(chosen.password)
