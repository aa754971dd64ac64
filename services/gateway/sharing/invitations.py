"""Invitations become shares when their address is somebody's.

Only the mailbox that an invitation names counts: addresses that compare equal may lead to others.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.sharing import ShareClaimed
from libs.common.store.effects import Effect
from services.gateway.accounts.addresses import is_same_mailbox
from services.gateway.accounts.tables import addresses
from services.gateway.kernel.record import Kernel
from services.gateway.sharing.tables import share_recipients, shares

_INVITATIONS = (
    select(
        shares.c.share_id,
        shares.c.document_id,
        shares.c.owner_id,
        shares.c.granted_by,
        share_recipients.c.address,
        addresses.c.address.label("proved"),
    )
    .join(share_recipients, share_recipients.c.folded == addresses.c.folded)
    .join(shares, shares.c.share_id == share_recipients.c.share_id)
    .where(
        addresses.c.user_id == bindparam("user"),
        addresses.c.verified_at.is_not(None),
        shares.c.granted_to.is_(None),
        shares.c.claimed_by.is_(None),
        shares.c.ended_at.is_(None),
    )
)


async def claim_invitations(
    kernel: Kernel, connection: AsyncConnection, users: Sequence[UUID]
) -> Sequence[Effect]:
    """Return the effects of giving users what their addresses were invited to."""
    effects: list[Effect] = []
    for user in users:
        for row in await connection.execute(_INVITATIONS, {"user": str(user)}):
            is_own = str(user) in {row.owner_id, row.granted_by}  # nobody gives to themselves
            if is_own or not is_same_mailbox(row.address, row.proved):
                continue
            claimed = ShareClaimed(
                document_id=UUID(row.document_id),
                owner_id=UUID(row.owner_id),
                share_id=UUID(row.share_id),
                recipient_id=user,
            )
            effects += kernel.record(claimed)
    return effects
