"""The language in which somebody is written to; others are told of it as of an address."""

from uuid import UUID

from sqlalchemy import update

from services.gateway.accounts.tables import users
from services.gateway.accounts.telling.account_mails import DEFAULT_LANGUAGE
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.accounts.users import UserRow, locked_user, user_of
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.record import Kernel


async def change_language(kernel: Kernel, user_id: UUID, language: str | None) -> None:
    """Have somebody written to in another language (BCP 47); None: in that of the site.

    Raises:
        NotFound: An owner without an account, who is not written to.
    """
    async with kernel.database.reading() as connection:
        user = _known(await user_of(connection, user_id))
    if user.language == language:
        return
    events = UserEvents(kernel)
    wanted = language or DEFAULT_LANGUAGE
    address = UserAddress(user_id=user_id, address=user.address, language=wanted)
    async with events.storing(address) as details, kernel.transaction() as command:
        now = _known(await locked_user(command.connection, user_id))
        if now.address != user.address:  # it was changed meanwhile, and is told already
            return
        mine = update(users).where(users.c.user_id == str(user_id))
        changed = {"language": language, "details_key": details.key}
        await command.connection.execute(mine.values(changed))
        await command.apply(events.address_changed(user_id, details, now.details_key))


def _known(user: UserRow | None) -> UserRow:
    if user is None:
        raise NotFound("account")
    return user
