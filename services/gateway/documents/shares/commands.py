"""What people can do to the shares of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.details import DETAILS, ShareDetails
from libs.common.contracts.permissions import Capability, ShareLevel
from libs.common.contracts.sharing import ShareEvent, ShareGranted
from libs.common.database.advisory_locks import lock_all
from libs.common.store.event_store import version_of
from services.gateway.accounts.addresses import checked_address, folded
from services.gateway.accounts.callers import Maker
from services.gateway.accounts.tokens import check_still_valid
from services.gateway.documents.selects import document_for
from services.gateway.http.etags import check_version
from services.gateway.kernel.pending import PendingObjects, taken
from services.gateway.kernel.record import CommandTransaction, Kernel
from services.gateway.sharing.addressees import (
    addressee_at,
    addresses_of,
    details_key,
    recipient_row,
)
from services.gateway.sharing.decide import SharedDocument, WantedShare, new_share_id
from services.gateway.sharing.selects import open_shares
from services.gateway.sharing.share_mails import ShareMails, ShareNews


@dataclass(frozen=True, kw_only=True)
class ShareOrder:
    """Whom a document is to be shared with, and for what."""

    address: str
    level: ShareLevel
    expires_at: datetime | None
    message: str | None


@dataclass(frozen=True)
class ShareCommands:
    """The commands."""

    kernel: Kernel
    maker: Maker | None = None
    """The credentials that ask for it; None: nobody's, who asks from the command line."""

    async def grant(self, caller: UUID, document_id: UUID, asked: ShareOrder) -> UUID:
        """Share a document, and return the share's id.

        Who has no account with the address yet gets it when they have one; the answer does not
        tell.

        Raises:
            NotFound, Forbidden: The caller may not.
            Rejected: The address is none, or see :meth:`SharedDocument.grant`.
            Conflict: Somebody changed a share of the document at the same moment.
        """
        address, share_id = checked_address(asked.address), new_share_id()
        mails = ShareMails(self.kernel)
        async with self.kernel.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.GRANT_SHARE)
            news = ShareNews(
                share_id=share_id,
                document_id=document_id,
                title=document.title,
                level=asked.level,
                message=asked.message,
            )
            mail = await mails.written(connection, caller, address, news)
        key = details_key(document_id, share_id)
        details = ShareDetails(address=address, message=asked.message)
        async with PendingObjects(self.kernel).storing(key), mails.storing(mail) as mailed:
            stored = await self.kernel.storage.write(key, details.encode(), DETAILS)
            async with self.kernel.transaction() as command:
                # An address that is proved meanwhile claims this, or gets it: never neither.
                await lock_all(command.connection, [f"address/{folded(address)}", f"user/{caller}"])
                await check_still_valid(command.connection, caller, self.maker)
                shared, version = await _shared(
                    command.connection, caller, document_id, Capability.GRANT_SHARE
                )
                wanted = await _wanted(command.connection, share_id, address, asked)
                event = shared.grant(caller, wanted, stored)
                recipient = recipient_row(event, wanted, asked.message)
                decided = self.kernel.record_at(version, event)
                await command.apply([taken(key), recipient, *decided, *mailed])
        return share_id

    async def change(
        self,
        caller: UUID,
        document_id: UUID,
        share_id: UUID,
        *,
        level: ShareLevel,
        expires_at: datetime | None,
        if_match: str | None = None,
    ) -> None:
        """Have a share grant something else, or end at another time; errors as :meth:`grant`.

        Raises:
            Stale: The shares of the document have another version than ``if_match`` names.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            await check_still_valid(connection, caller, self.maker)
            shared, version = await _shared(
                connection, caller, document_id, Capability.CHANGE_SHARE
            )
            event = shared.change(caller, share_id, level, expires_at)
            check_version(if_match, version)
            await command.apply(self.kernel.record_at(version, event))

    async def revoke(
        self, caller: UUID, document_id: UUID, share_id: UUID, if_match: str | None = None
    ) -> None:
        """End a share; errors as for :meth:`change`."""
        async with self.kernel.transaction() as command:
            shared, version = await _shared(
                command.connection, caller, document_id, Capability.CHANGE_SHARE
            )
            event = shared.revoke(caller, share_id)
            check_version(if_match, version)
            await self._apply(command, version, [event])

    async def leave(self, caller: UUID, document_id: UUID) -> None:
        """Give up what was shared with the caller; errors as for :meth:`grant`."""
        async with self.kernel.transaction() as command:
            shared, version = await _shared(
                command.connection, caller, document_id, Capability.LEAVE_SHARE
            )
            await self._apply(command, version, shared.leave(caller))

    async def _apply(
        self, command: CommandTransaction, version: int, events: Sequence[ShareEvent]
    ) -> None:
        await command.apply(self.kernel.record_at(version, *events))


async def _shared(
    connection: AsyncConnection, caller: UUID, document_id: UUID, capability: Capability
) -> tuple[SharedDocument, int]:
    """Return a document with its shares, and the version of them that this is."""
    version = await version_of(connection, ShareGranted.stream_of(document_id=document_id))
    document = await document_for(connection, caller, document_id, capability)
    shares = await open_shares(connection, document_id)
    shared = SharedDocument(
        document_id=document_id,
        owner_id=document.owner_id,
        shares=shares,
        folded=await addresses_of(connection, document_id),
        now=datetime.now(UTC),
    )
    return shared, version


async def _wanted(
    connection: AsyncConnection, share_id: UUID, address: str, asked: ShareOrder
) -> WantedShare:
    """Return the share that is asked for; who has exactly this mailbox gets it at once."""
    return WantedShare(
        share_id=share_id,
        address=address,
        folded=folded(address),
        recipient_id=(await addressee_at(connection, address)).user_id,
        level=asked.level,
        expires_at=asked.expires_at,
    )
