"""Whom shares are for, as it was written: kept beside the events, which do not hold it."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Delete, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.sharing import ShareGranted
from libs.common.database.upsert import Write, upsert
from services.gateway.accounts.addresses import is_same_mailbox
from services.gateway.accounts.users import UserRow, known_address, user_at
from services.gateway.sharing.decide import WantedShare
from services.gateway.sharing.tables import share_recipients, shares

_ADDRESSES = (
    select(share_recipients.c.folded)
    .join(shares, shares.c.share_id == share_recipients.c.share_id)
    .where(share_recipients.c.document_id == bindparam("document"), shares.c.ended_at.is_(None))
)
_FORGET = delete(share_recipients).where(share_recipients.c.document_id == bindparam("document"))


@dataclass(frozen=True)
class Addressee:
    """Who reads what is sent to ``address``; ``user`` None: nobody who has an account."""

    address: str = field(repr=False)
    user: UserRow | None

    @property
    def is_closed(self) -> bool:
        """Whether there is an account that is closed for now."""
        return self.user is not None and self.user.disabled_at is not None

    @property
    def user_id(self) -> UUID | None:
        """Who has an account that is open."""
        return None if self.user is None or self.is_closed else self.user.user_id

    @property
    def language(self) -> str | None:
        """What they read, if it is known."""
        return None if self.user is None else self.user.language


def details_key(document_id: UUID, share_id: UUID) -> str:
    """Return the key of the object that says whom a share is for.

    Without dashes, for jobs are about it, whose subjects have 100 characters at most.
    """
    return f"documents/{document_id}/shares/{share_id.hex}.json"


async def addressee_at(connection: AsyncConnection, address: str) -> Addressee:
    """Return who has exactly this mailbox, with the address as they proved it."""
    user, proved = await user_at(connection, address), await known_address(connection, address)
    if user is None or proved is None or not is_same_mailbox(address, proved):
        return Addressee(address, None)
    return Addressee(proved, user)


def recipient_row(event: ShareGranted, wanted: WantedShare, message: str | None) -> Write:
    """Return the row of whom a new share is for."""
    return upsert(
        share_recipients,
        {"share_id": str(event.share_id)},
        document_id=str(event.document_id),
        address=wanted.address,
        folded=wanted.folded,
        message=message,
    )


async def addresses_of(connection: AsyncConnection, document_id: UUID) -> frozenset[str]:
    """Return the addresses, as they are compared, that a document is shared with."""
    found = await connection.scalars(_ADDRESSES, {"document": str(document_id)})
    return frozenset(found)


def forgotten_recipient(share_id: UUID) -> Delete:
    """Return the effect of removing whom a share was for, which has ended."""
    return delete(share_recipients).where(share_recipients.c.share_id == str(share_id))


async def forget_recipients(connection: AsyncConnection, document_id: UUID) -> None:
    """Remove what is known of whom a deleted document was shared with."""
    await connection.execute(_FORGET, {"document": str(document_id)})
