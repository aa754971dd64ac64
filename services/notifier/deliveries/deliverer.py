"""How the jobs are done: one notice to one target, again and again until it is settled.

An attempt that failed for a passing reason is repeated after longer and longer pauses, about a day
in all with the default number of attempts, so that a receiver may be down for a night.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.audio import AudiobookReady
from libs.common.contracts.base import Event, ObjectRef
from libs.common.contracts.details import AudiobookContents, Details, FailureDetails
from libs.common.errors import Permanent, Transient
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from services.notifier.channels.mail import Mailer
from services.notifier.channels.texts import mail_text
from services.notifier.channels.webhooks import Webhooks
from services.notifier.deliveries.batching import pages_of
from services.notifier.deliveries.outcomes import Attempt, refused, sent
from services.notifier.deliveries.pauses import later
from services.notifier.installation_secret import InstallationSecret
from services.notifier.notices import Notice, Target


@dataclass(frozen=True, kw_only=True)
class Deliverer:
    """Delivers notices to the targets of the settings."""

    targets: Sequence[Target]
    secret: InstallationSecret
    mailer: Mailer | None
    webhooks: Webhooks | None
    public_url: str | None
    storage: Storage
    metrics: Metrics

    async def mail(self, job: Job[Notice]) -> Sequence[Effect]:
        """Send one mail, with everything that waits to go out in it."""
        notice = job.payload
        attempt = Attempt(notice, job.attempt)
        await job.record([attempt])
        try:
            target = await self._target(notice)
            if self.mailer is None:
                raise Permanent("no mail server is configured any more")
            event = notice.event
            text = mail_text(
                event,
                await self._details(event),
                pages=pages_of(attempt.going_out),
                notices=len(attempt.going_out),
                public_url=self.public_url,
            )
            await self.mailer.send(notice, text, target.address)
        except Transient as error:
            self._count(notice, "retried")
            raise await later(job, error) from error
        except Permanent as error:
            self._count(notice, "refused")
            await job.record([refused(notice, error)])
            raise
        self._count(notice, "sent")
        return [sent(notice)]

    async def webhook(self, job: Job[Notice]) -> Sequence[Effect]:
        """Post one webhook."""
        notice = job.payload
        await job.record([Attempt(notice, job.attempt)])
        try:
            target = await self._target(notice)
            if self.webhooks is None:
                raise Permanent("no webhook is configured any more")
            await self.webhooks.post(notice, target.address)
        except Transient as error:
            self._count(notice, "retried")
            raise await later(job, error) from error
        except Permanent as error:
            self._count(notice, "refused")
            await job.record([refused(notice, error)])
            raise
        self._count(notice, "sent")
        return [sent(notice)]

    async def _details(self, event: Event) -> Details | None:
        """Return what an event refers to, None if it refers to nothing or that cannot be read.

        Raises:
            Transient: It may be readable later.
            UnknownVersion: A newer release can read it.
        """
        ref: ObjectRef | None = getattr(event, "details", None)
        if ref is None:
            return None
        kind = AudiobookContents if isinstance(event, AudiobookReady) else FailureDetails
        try:
            return await read_details(self.storage, ref, kind)
        except Permanent:  # gone with its document, damaged, refused: nobody should hear nothing
            return None

    def _count(self, notice: Notice, outcome: str) -> None:
        self.metrics.notifications_total.labels(channel=notice.channel, outcome=outcome).inc()

    async def _target(self, notice: Notice) -> Target:
        identities = await self.secret.identities()
        for target in self.targets:
            if identities.of_target(target) == notice.target_key:
                return target
        raise Permanent("the target is not configured any more")
