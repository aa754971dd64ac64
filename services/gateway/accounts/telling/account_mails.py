"""Mails about accounts, asked for by events that say neither an address nor a secret."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from libs.common.contracts.accounts import AccountMailRequested, MailKind
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, Details, MailDetails
from libs.common.store.effects import Effect
from services.gateway.kernel.jobs import RemovePendingJob, removal
from services.gateway.kernel.pending import GRACE_S, PendingObjects, taken
from services.gateway.kernel.record import Kernel

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, kw_only=True)
class AccountMail:
    """A mail that is to be sent: what for, to whom, and until when that is of use."""

    mail_id: UUID
    kind: MailKind
    address: str = field(repr=False)
    about_address: str | None = field(default=None, repr=False)
    language: str
    valid_until: datetime


TOLD_WITHIN = timedelta(days=3)
"""What happened to an account is told no later."""


def account_notice(
    kind: MailKind, address: str, language: str | None, about_address: str | None = None
) -> AccountMail:
    """Return a mail that tells somebody what happened to their account, and has no link."""
    return AccountMail(
        mail_id=uuid4(),
        kind=kind,
        address=address,
        about_address=about_address,
        language=language or DEFAULT_LANGUAGE,
        valid_until=datetime.now(UTC) + TOLD_WITHIN,
    )


@asynccontextmanager
async def mail_stored(
    kernel: Kernel, mail_id: UUID, details: Details, valid_until: datetime
) -> AsyncIterator[tuple[ObjectRef, Sequence[Effect]]]:
    """Store to whom a mail goes; yield where, and the effects of keeping it while it is of use.

    Whoever sends the mail removes it before that.
    """
    key = f"mails/{mail_id}/{uuid4().hex[:12]}.json"
    async with PendingObjects(kernel).storing(key):
        stored = await kernel.storage.write(key, details.encode(), DETAILS)
        left = valid_until - datetime.now(UTC) + timedelta(seconds=GRACE_S)
        later = removal(RemovePendingJob(key=key, last=True), int(left.total_seconds() * 1000))
        yield stored, [taken(key), later]


@dataclass(frozen=True)
class AccountMails:
    """Those of one kernel."""

    kernel: Kernel

    async def tell(self, mail: AccountMail) -> None:
        """Ask for a mail in a transaction of its own."""
        async with self.storing(mail) as effects, self.kernel.transaction() as command:
            await command.apply(effects)

    @asynccontextmanager
    async def storing(self, mail: AccountMail) -> AsyncIterator[Sequence[Effect]]:
        """Store to whom a mail goes, and yield the effects of asking for it.

        What is stored is removed when the mail was sent, and at the latest when it is of no use.
        """
        details = MailDetails(
            address=mail.address, language=mail.language, about_address=mail.about_address
        )
        async with mail_stored(self.kernel, mail.mail_id, details, mail.valid_until) as (
            stored,
            kept,
        ):
            requested = AccountMailRequested(
                mail_id=mail.mail_id, kind=mail.kind, valid_until=mail.valid_until, details=stored
            )
            yield [*kept, *self.kernel.record(requested)]
