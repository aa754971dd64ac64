"""How mails about accounts and shares are sent, and what was stored for them forgotten.

They go to people who may have no account yet, so the address is read from the object of the mail,
and the link is made here: see docs/decisions/0047.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.base import Event
from libs.common.contracts.details import MailDetails, ShareMailDetails
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.errors import Permanent, Transient
from libs.common.mail_links import MailLinks
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from services.notifier.channels.account_texts import account_mail_text, has_link
from services.notifier.channels.mail import Mailer
from services.notifier.channels.share_texts import share_mail_text
from services.notifier.channels.texts import MailText
from services.notifier.deliveries.jobs import ForgetMailJob, forget_mail
from services.notifier.deliveries.outcomes import Attempt, refused, sent
from services.notifier.deliveries.pauses import later
from services.notifier.notices import Notice


@dataclass(frozen=True, kw_only=True)
class AccountMailer:
    """Sends mails about accounts and shares."""

    mailer: Mailer | None
    links: MailLinks | None
    public_url: str | None
    storage: Storage
    metrics: Metrics

    async def send(self, job: Job[Notice]) -> Sequence[Effect]:
        """Send one mail, and have forgotten what was stored for it."""
        notice = job.payload
        await job.record([Attempt(notice, job.attempt)])
        try:
            await self._send(notice)
        except Transient as error:
            self._count("retried")
            raise await later(job, error) from error
        except Permanent as error:
            self._count("refused")
            await job.record([refused(notice, error)])
            raise
        self._count("sent")
        return [sent(notice), *forget_mail(notice)]

    async def forget(self, job: Job[ForgetMailJob]) -> Sequence[Effect]:
        """Remove what was stored for a mail."""
        await self.storage.delete_prefix(f"mails/{job.payload.mail_id}/")
        return []

    async def _send(self, notice: Notice) -> None:
        event = _mail_of(notice.event)
        if self.mailer is None:
            raise Permanent("no mail server is configured")
        if datetime.now(UTC) > event.valid_until:
            raise Permanent("the mail would come too late to be of use")
        if not event.details.key.startswith(f"mails/{event.mail_id}/"):
            raise Permanent("the details are those of something else")
        text, address = await self._text(event)
        await self.mailer.send(notice, text, address)

    async def _text(self, event: AccountMailRequested | ShareMailRequested) -> tuple[MailText, str]:
        """Return what a mail says, and to whom."""
        if isinstance(event, ShareMailRequested):
            share = await read_details(self.storage, event.details, ShareMailDetails)
            return share_mail_text(share, self._way_in(event, share)), share.address
        link = self._link(event) if has_link(event.kind) else None
        details = await read_details(self.storage, event.details, MailDetails)
        return account_mail_text(event.kind, details, link), details.address

    def _way_in(self, event: ShareMailRequested, details: ShareMailDetails) -> str | None:
        """Return where what was shared is opened; without it the mail is of use all the same."""
        if self.public_url is None or (details.audience == "invited" and self.links is None):
            return None
        if details.audience == "invited":
            return self._link(event)
        return f"{self.public_url.rstrip('/')}/documents/{details.document_id}"

    def _link(self, event: AccountMailRequested | ShareMailRequested) -> str:
        if self.links is None or self.public_url is None:
            raise Permanent("links need LECTERN_MAIL_LINK_KEY and NOTIFIER_PUBLIC_URL")
        return self.public_url.rstrip("/") + self.links.path(event.mail_id)

    def _count(self, outcome: str) -> None:
        self.metrics.notifications_total.labels(channel="mail", outcome=outcome).inc()


def _mail_of(event: Event) -> AccountMailRequested | ShareMailRequested:
    if not isinstance(event, AccountMailRequested | ShareMailRequested):
        raise Permanent(f"{event.topic} asks for no mail to somebody")
    return event
