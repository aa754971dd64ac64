"""What follows for shares from events of others."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.accounts import (
    UserAddressAdded,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.base import Event
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.sharing import ShareEnded
from libs.common.store.effects import Effect
from services.gateway.kernel.jobs import RemovePendingJob, removal
from services.gateway.kernel.record import Kernel, Reaction
from services.gateway.sharing.addressees import (
    details_key,
    forget_recipients,
    forgotten_recipient,
)
from services.gateway.sharing.invitations import claim_invitations
from services.gateway.sharing.jobs import EndSharesJob, ending
from services.gateway.sharing.listen_links.link_secrets import secrets_of_document, secrets_of_owner


def _document_deleted(_kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    async def forget(connection: AsyncConnection) -> Sequence[Effect]:
        await forget_recipients(connection, event.document_id)
        return []

    return [forget, secrets_of_document(event.document_id)]


def _share_ended(_kernel: Kernel, event: ShareEnded) -> Sequence[Effect]:
    key = details_key(event.document_id, event.share_id)
    return [forgotten_recipient(event.share_id), removal(RemovePendingJob(key=key, last=True))]


def _may_claim(
    kernel: Kernel, event: UserRegistered | UserAddressAdded | UserEnabled
) -> Sequence[Effect]:
    return [kernel.together(claim_invitations, event.user_id)]


def _account_closed(_kernel: Kernel, event: UserDisabled | UserDeleted) -> Sequence[Effect]:
    return [secrets_of_owner(event.user_id), ending(EndSharesJob(user_id=event.user_id))]


REACTIONS: Mapping[type[Event], Reaction] = {
    DocumentDeleted: _document_deleted,
    ShareEnded: _share_ended,
    UserRegistered: _may_claim,
    UserAddressAdded: _may_claim,
    UserEnabled: _may_claim,
    UserDisabled: _account_closed,
    UserDeleted: _account_closed,
}
