"""Links as values and in their table: asked for, found, used once."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import Executable, bindparam, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.accounts.addresses import folded
from services.gateway.accounts.tables import addresses, mail_links
from services.gateway.kernel.rows import RowReader

Purpose = Literal["register", "invite", "reset", "add_address"]

GOOD_FOR = {
    "register": timedelta(days=3),
    "invite": timedelta(days=3),
    "reset": timedelta(hours=1),
    "add_address": timedelta(days=3),
}


@dataclass(frozen=True, kw_only=True)
class LinkRow:
    """A link; ``user_id`` is who it is for, or will be, where that is known."""

    mail_id: UUID
    purpose: Purpose
    user_id: UUID | None
    address: str = field(repr=False)
    folded: str = field(repr=False)
    language: str
    password_hash: str | None = field(repr=False)
    is_staff: bool
    created_at: str
    expires_at: str

    @property
    def takes_password(self) -> bool:
        """Whether whoever uses it chooses a password."""
        return self.purpose in {"reset", "invite"}

    @property
    def asks_password(self) -> bool:
        """Whether whoever uses it types the password that was chosen when it was asked for.

        Anybody may register with anybody's address: who reads the mail and confirms must not have
        an account whose password somebody else knows. They may choose another one instead.
        """
        return self.purpose == "register"

    @property
    def takes_address(self) -> bool:
        """Whether whoever uses it says which address is theirs: the first one of all users."""
        return not self.folded

    @property
    def left(self) -> timedelta:
        """How long it is good for, from when it was made."""
        return GOOD_FOR[self.purpose]


@dataclass(frozen=True, kw_only=True)
class LinkRequest:
    """What a link is to be good for."""

    purpose: Purpose
    address: str = field(repr=False)
    language: str = "en"
    user_id: UUID | None = None
    password_hash: str | None = field(default=None, repr=False)
    is_staff: bool = False

    def row(self) -> LinkRow:
        """Return the row of a new link."""
        now = datetime.now(UTC)
        return LinkRow(
            mail_id=uuid4(),
            purpose=self.purpose,
            user_id=self.user_id,
            address=self.address.strip(),
            folded=folded(self.address),
            language=self.language,
            password_hash=self.password_hash,
            is_staff=self.is_staff,
            created_at=rfc3339(now),
            expires_at=rfc3339(now + GOOD_FOR[self.purpose]),
        )


LINKS = RowReader(LinkRow, mail_links)
_OPEN = (
    mail_links.c.mail_id == bindparam("of_mail"),
    mail_links.c.used_at.is_(None),
    mail_links.c.expires_at > bindparam("now"),
)
_FIND = LINKS.select().where(*_OPEN)
_EARLIER = select(func.count()).where(
    mail_links.c.folded == bindparam("folded_as"),
    mail_links.c.purpose == bindparam("for_purpose"),
    mail_links.c.expires_at > bindparam("now"),
    tuple_(mail_links.c.created_at, mail_links.c.mail_id)
    < tuple_(bindparam("made_at"), bindparam("made_as", type_=mail_links.c.mail_id.type)),
)
_USE = update(mail_links).where(*_OPEN).values(used_at=bindparam("now"), password_hash=None)


async def add_link(connection: AsyncConnection, link: LinkRow) -> None:
    """Record a link."""
    row = asdict(link) | {
        "mail_id": str(link.mail_id),
        "user_id": None if link.user_id is None else str(link.user_id),
    }
    await connection.execute(insert(mail_links).values(row))


async def find_link(connection: AsyncConnection, mail_id: UUID) -> LinkRow | None:
    """Return a link that is still good for something."""
    asked = {"of_mail": str(mail_id), "now": rfc3339(datetime.now(UTC))}
    return await LINKS.one(connection, _FIND, asked)


async def use_link(connection: AsyncConnection, mail_id: UUID) -> bool:
    """Use a link up; False if somebody did, or it has expired.

    One conditional update: of two who come at the same time, one waits for the other, and is late.
    """
    asked = {"of_mail": str(mail_id), "now": rfc3339(datetime.now(UTC))}
    return bool((await connection.execute(_USE, asked)).rowcount)


async def earlier_links(connection: AsyncConnection, link: LinkRow) -> int:
    """Return how many links for the same address and purpose were made before this one.

    Those that were used count until they expire, for their mails were sent.
    """
    asked = {
        "folded_as": link.folded,
        "for_purpose": link.purpose,
        "made_at": link.created_at,
        "made_as": str(link.mail_id),
        "now": rfc3339(datetime.now(UTC)),
    }
    return int(await connection.scalar(_EARLIER, asked) or 0)


def used_link(mail_id: UUID) -> Executable:
    """Return the effect of making a link one that is of no use; what it was asked for counts."""
    now = rfc3339(datetime.now(UTC))
    mine = mail_links.c.mail_id == str(mail_id)
    return update(mail_links).where(mine).values(used_at=now, password_hash=None)


def addressed_link(mail_id: UUID, user_id: UUID) -> Executable:
    """Return the effect of saying whose a link is, once that is known."""
    mine = mail_links.c.mail_id == str(mail_id)
    return update(mail_links).where(mine).values(user_id=str(user_id))


def removed_link(mail_id: UUID) -> Executable:
    """Return the effect of removing a link: it is good for nothing, or has expired."""
    return delete(mail_links).where(mail_links.c.mail_id == str(mail_id))


def removed_links_of(user_id: UUID) -> Executable:
    """Return the effect of removing all links that would let somebody into a user's account.

    Whoever ends what others may have got into their hands ends these, too.
    """
    return delete(mail_links).where(mail_links.c.user_id == str(user_id))


def removed_links_to(user_id: UUID) -> Executable:
    """Return the effect of removing all links that went to a user's addresses: nothing is kept."""
    theirs = exists().where(
        addresses.c.user_id == str(user_id), addresses.c.folded == mail_links.c.folded
    )
    return delete(mail_links).where(theirs)
