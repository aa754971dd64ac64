"""Mails about shares: whoever is given one is told, whether they have an account or not.

The same is written and recorded for everybody, so that neither the answer nor its time tells the
sharer who has an account. Only the mail does, to whoever reads it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.details import ShareMailDetails
from libs.common.contracts.permissions import ShareLevel
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.store.effects import Effect
from services.gateway.accounts.links.asking import link_asked
from services.gateway.accounts.links.link_rows import GOOD_FOR, LinkRequest
from services.gateway.accounts.telling.account_mails import DEFAULT_LANGUAGE, mail_stored
from services.gateway.accounts.users import user_of
from services.gateway.kernel.limits import AccountPolicy
from services.gateway.kernel.record import Kernel
from services.gateway.sharing.addressees import Addressee, addressee_at


@dataclass(frozen=True, kw_only=True)
class ShareNews:
    """What somebody is told of: a share of a document called ``title``."""

    share_id: UUID
    document_id: UUID
    title: str = field(repr=False)
    level: ShareLevel
    message: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ShareMail:
    """A mail that is to be sent, and until when that is of use."""

    share_id: UUID
    details: ShareMailDetails
    valid_until: datetime


@dataclass(frozen=True)
class ShareMails:
    """Those of one kernel."""

    kernel: Kernel

    async def written(
        self, connection: AsyncConnection, sharer: UUID, address: str, news: ShareNews
    ) -> ShareMail:
        """Return the mail that tells of a share; of no use from the start to a closed account."""
        found = await addressee_at(connection, address)
        sharing = await user_of(connection, sharer)
        now = datetime.now(UTC)
        details = ShareMailDetails(
            address=found.address,
            language=found.language or DEFAULT_LANGUAGE,
            document_id=news.document_id,
            title=news.title,
            shared_by=None if sharing is None else sharing.address,
            level=news.level,
            message=news.message,
            audience=_audience(self.kernel.accounts, found),
        )
        until = now if found.is_closed else now + GOOD_FOR["invite"]
        return ShareMail(share_id=news.share_id, details=details, valid_until=until)

    @asynccontextmanager
    async def storing(self, mail: ShareMail) -> AsyncIterator[Sequence[Effect]]:
        """Store what a mail says, and yield the effects of asking for it.

        There is a link for everybody; where nobody is sent it, nobody learns its secret.
        """
        share_id, until = mail.share_id, mail.valid_until
        async with mail_stored(self.kernel, share_id, mail.details, until) as (stored, kept):
            requested = ShareMailRequested(mail_id=share_id, valid_until=until, details=stored)
            yield [*kept, *self.kernel.record(requested), *self._link(mail)]

    def _link(self, mail: ShareMail) -> Sequence[Effect]:
        if not _lets_register(self.kernel.accounts):
            return []
        details = mail.details
        asked = LinkRequest(purpose="invite", address=details.address, language=details.language)
        return link_asked(replace(asked.row(), mail_id=mail.share_id), mailed=False)


def _audience(policy: AccountPolicy, found: Addressee) -> Literal["user", "invited", "uninvited"]:
    if found.user_id is not None:
        return "user"
    return "invited" if _lets_register(policy) else "uninvited"


def _lets_register(policy: AccountPolicy) -> bool:
    """Whether who is shared something with may register: by invitation, a share is one."""
    return policy.links is not None and policy.sign_up != "closed"
