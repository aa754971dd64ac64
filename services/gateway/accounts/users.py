"""Users in their tables: made, looked up by an address, given a password."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.advisory_locks import lock_all
from libs.common.database.arrays import among_given
from libs.common.database.upsert import upsert
from libs.common.errors import Rejected
from services.gateway.accounts.addresses import folded
from services.gateway.accounts.rows import AddressRow
from services.gateway.accounts.tables import addresses, passwords, users
from services.gateway.kernel.errors import QuotaExceeded
from services.gateway.kernel.rows import RowReader


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """Somebody who is about to have an account, and where they are written to."""

    user_id: UUID
    address: str = field(repr=False)
    language: str
    is_staff: bool
    details_key: str


@dataclass(frozen=True, kw_only=True)
class UserRow:
    """Somebody who has an account, with the address that they are written to."""

    user_id: UUID
    address: str = field(repr=False)
    language: str | None
    is_staff: bool
    created_at: str
    disabled_at: str | None
    details_key: str | None
    hash: str | None = field(repr=False)
    changed_at: str | None
    """When the password was set; None: there is none."""


_OF_PRIMARY = users.join(
    addresses, (addresses.c.user_id == users.c.user_id) & addresses.c.is_primary.is_(True)
).outerjoin(passwords, passwords.c.user_id == users.c.user_id)
USERS = RowReader(UserRow, users, addresses, passwords, joined=_OF_PRIMARY)
_BY_ID = USERS.select().where(users.c.user_id == bindparam("asked"))
_BY_ADDRESS = USERS.select().where(
    users.c.user_id
    == select(addresses.c.user_id)
    .where(addresses.c.folded == bindparam("asked"), addresses.c.verified_at.is_not(None))
    .scalar_subquery()
)

_PRIMARY = select(addresses.c.user_id, addresses.c.address).where(
    addresses.c.is_primary.is_(True), among_given(addresses.c.user_id, "chosen")
)

ADDRESSES = RowReader(AddressRow, addresses)
_VERIFIED = (
    ADDRESSES.select()
    .where(addresses.c.user_id == bindparam("asked"), addresses.c.verified_at.is_not(None))
    .order_by(addresses.c.created_at, addresses.c.address_id)
)


MOST_ADDRESSES = 20
"""Of one user."""


def check_room(present: Sequence[AddressRow]) -> None:
    """Return if there may be another address beside these.

    Raises:
        QuotaExceeded: There are as many as one may have.
    """
    if len(present) >= MOST_ADDRESSES:
        raise QuotaExceeded(f"An account has {MOST_ADDRESSES} addresses at most.")


def taken_address() -> Rejected:
    """Return the refusal of an address that belongs to somebody."""
    return Rejected("address_taken", "This address belongs to an account already; log in with it.")


async def has_users(connection: AsyncConnection) -> bool:
    """Tell whether anybody has an account."""
    return await connection.scalar(select(users.c.user_id).limit(1)) is not None


async def user_of(connection: AsyncConnection, user_id: UUID) -> UserRow | None:
    """Return somebody who has an account, disabled or not."""
    return await USERS.one(connection, _BY_ID, {"asked": str(user_id)})


async def is_disabled(connection: AsyncConnection, user_id: UUID) -> bool:
    """Tell whether somebody has an account that is closed for now."""
    closed = select(users.c.user_id).where(
        users.c.user_id == str(user_id), users.c.disabled_at.is_not(None)
    )
    return await connection.scalar(closed) is not None


async def locked_user(connection: AsyncConnection, user_id: UUID) -> UserRow | None:
    """Return somebody, and let nobody else change their account until the transaction ends.

    Whatever lets somebody in is made under this lock, and ended under it: what was ended a moment
    ago makes nothing any more. A lock of an address, where one is needed too, comes first.
    """
    await lock_user(connection, user_id)
    return await user_of(connection, user_id)


async def lock_user(connection: AsyncConnection, user_id: UUID) -> None:
    """Do as :func:`locked_user` does for an owner, who need not have an account."""
    await lock_all(connection, [f"user/{user_id}"])


async def primary_addresses(
    connection: AsyncConnection, users_asked: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return where users are written to, of those who have an account."""
    asked = {"chosen": sorted(map(str, users_asked))}
    found = await connection.execute(_PRIMARY, asked)
    return {UUID(user_id): address for user_id, address in found}


async def user_at(connection: AsyncConnection, address: str) -> UserRow | None:
    """Return whose verified address this is, disabled or not."""
    return await USERS.one(connection, _BY_ADDRESS, {"asked": folded(address)})


async def known_address(connection: AsyncConnection, address: str) -> str | None:
    """Return a verified address as its user wrote it; None if it is nobody's.

    What compares equal may lead to another mailbox: ``straße.example`` and ``strasse.example`` are
    two domains (RFC 5895). Only the one that was proved may be sent what is for its user alone.
    """
    found = select(addresses.c.address).where(
        addresses.c.folded == folded(address), addresses.c.verified_at.is_not(None)
    )
    written: str | None = await connection.scalar(found)
    return written


async def create_user(connection: AsyncConnection, new: NewUser) -> None:
    """Make an account with a verified address.

    Raises:
        Rejected: The address belongs to somebody, or the user has an account.
    """
    await claim_address(connection, new.address)
    if await locked_user(connection, new.user_id) is not None:
        raise Rejected("already_registered", "There is such an account already.")
    now = rfc3339(datetime.now(UTC))
    row = {
        "user_id": str(new.user_id),
        "created_at": now,
        "is_staff": new.is_staff,
        "language": new.language,
        "details_key": new.details_key,
    }
    await connection.execute(insert(users).values(row))
    await add_address(connection, new.user_id, new.address, is_primary=True)


async def claim_address(connection: AsyncConnection, address: str) -> None:
    """Let nobody else verify an address until the transaction ends.

    Raises:
        Rejected: It is somebody's already.
    """
    await lock_all(connection, [f"address/{folded(address)}"])
    if await user_at(connection, address) is not None:
        raise taken_address()


async def add_address(
    connection: AsyncConnection, user_id: UUID, address: str, *, is_primary: bool
) -> UUID:
    """Record a verified address and return its id; :func:`claim_address` comes first."""
    now, address_id = rfc3339(datetime.now(UTC)), uuid4()
    claimed = {
        "address_id": str(address_id),
        "user_id": str(user_id),
        "address": address.strip(),
        "folded": folded(address),
        "is_primary": is_primary,
        "created_at": now,
        "verified_at": now,
    }
    await connection.execute(insert(addresses).values(claimed))
    return address_id


async def set_password(connection: AsyncConnection, user_id: UUID, password_hash: str) -> None:
    """Give somebody a password in place of the one of before."""
    now = rfc3339(datetime.now(UTC))
    write = upsert(passwords, {"user_id": str(user_id)}, hash=password_hash, changed_at=now)
    await connection.execute(write.statement, write.row)


async def addresses_of(connection: AsyncConnection, user_id: UUID) -> list[AddressRow]:
    """Return a user's addresses, oldest first."""
    return await ADDRESSES.all(connection, _VERIFIED, {"asked": str(user_id)})


async def move_primary(
    connection: AsyncConnection, user_id: UUID, address_id: UUID, details_key: str
) -> None:
    """Have mails go to another address, where the object under ``details_key`` says so."""
    mine = update(addresses).where(addresses.c.user_id == str(user_id))
    await connection.execute(mine.values(is_primary=False))
    new = mine.where(addresses.c.address_id == str(address_id))
    await connection.execute(new.values(is_primary=True))
    noted = update(users).where(users.c.user_id == str(user_id))
    await connection.execute(noted.values(details_key=details_key))
