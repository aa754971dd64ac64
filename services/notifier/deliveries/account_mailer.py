"""How mails about accounts are sent, and what was stored for them forgotten.

They go to people who may have no account yet, so the address is read from the object of the mail,
and the link is made here: see docs/decisions/0047.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.details import MailDetails
from libs.common.errors import Permanent, Transient
from libs.common.mail_links import MailLinks
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from services.notifier.channels.account_texts import account_mail_text, has_link
from services.notifier.channels.mail import Mailer
from services.notifier.deliveries.jobs import ForgetMailJob, forget_mail
from services.notifier.deliveries.outcomes import Attempt, refused, sent
from services.notifier.deliveries.pauses import later
from services.notifier.notices import Notice


@dataclass(frozen=True, kw_only=True)
class AccountMailer:
    """Sends mails about accounts."""

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
        event = notice.event
        if not isinstance(event, AccountMailRequested):
            raise Permanent(f"{event.topic} asks for no mail about an account")
        if self.mailer is None:
            raise Permanent("no mail server is configured")
        if datetime.now(UTC) > event.valid_until:
            raise Permanent("the mail would come too late to be of use")
        link = self._link(event) if has_link(event.kind) else None
        if not event.details.key.startswith(f"mails/{event.mail_id}/"):
            raise Permanent("the details are those of something else")
        details = await read_details(self.storage, event.details, MailDetails)
        text = account_mail_text(event.kind, details, link)
        await self.mailer.send(notice, text, details.address)

    def _link(self, event: AccountMailRequested) -> str:
        if self.links is None or self.public_url is None:
            raise Permanent("links need LECTERN_MAIL_LINK_KEY and NOTIFIER_PUBLIC_URL")
        return self.public_url.rstrip("/") + self.links.path(event.mail_id)

    def _count(self, outcome: str) -> None:
        self.metrics.notifications_total.labels(channel="mail", outcome=outcome).inc()
