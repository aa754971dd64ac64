"""What notifier does when an event arrives: it records who is to be told. The end is the index.

Nothing is sent here. Every notice becomes a row of ``deliveries`` and a job, in the transaction
that takes the event; see :mod:`services.notifier.deliveries.recording`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from libs.common.contracts.accounts import (
    AccountMailRequested,
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.audio import AudiobookFailed, AudiobookReady, AudioFailed, AudioReady
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.processing.erasing import erase_objects
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from services.notifier.deliveries.batching import DeliverySchedule
from services.notifier.deliveries.jobs import forget_mail
from services.notifier.deliveries.recording import (
    account_mail,
    batched_notice,
    expired_notice,
    single_notice,
)
from services.notifier.installation_secret import InstallationSecret
from services.notifier.notices import ACCOUNTS, Notice, Target, Told
from services.notifier.recipients import Recipients

HAVE_OWN_EVENT = frozenset(
    {("ingest", "fetch"), ("ingest", "parse"), ("synth", "speak"), ("synth", "bind")}
)
"""Jobs (service, kind) whose failure is an event of its own, which is told in place of task.failed:
document.rejected, audio.failed and audiobook.failed."""

BATCHED = (AudioReady, AudioFailed, TaskFailed)
"""Events that come once per page: in mails they are collected."""


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """The handlers and what they need.

    An event older than ``max_age`` is recorded as expired and not told: a new notifier reads its
    topics from the beginning, and must not mail last year's news.
    """

    targets: Sequence[Target]
    schedule: DeliverySchedule
    max_age: timedelta
    secret: InstallationSecret
    recipients: Recipients

    async def tell(self, event: Told) -> Sequence[Effect]:
        """Record a notice for every target that wants this type."""
        too_old = datetime.now(UTC) - event.occurred_at > self.max_age
        identities = await self.secret.identities()
        effects: list[Effect] = []
        for target in self.targets:
            if event.topic not in target.types:
                continue
            notice = Notice.of(event, target, identities)
            if too_old:
                effects.append(expired_notice(notice, target.shown))
            elif target.channel == "mail" and isinstance(event, BATCHED):
                sameness = _sameness(event)
                effects.append(batched_notice(notice, target.shown, self.schedule, sameness))
            else:
                effects.append(single_notice(notice, target.shown, self.schedule))
        return effects

    async def tell_task(self, event: TaskFailed) -> Sequence[Effect]:
        """Tell of given-up work that no other event tells of.

        Never of our own: telling that telling failed would fail too, and be told again.
        """
        if event.service == "notifier" or (event.service, event.kind) in HAVE_OWN_EVENT:
            return []
        return await self.tell(event)

    async def deleted(self, event: DocumentDeleted) -> Sequence[Effect]:
        """Remove what is stored about the document: why somebody could not be told of it.

        What still waits to be told is told all the same.
        """
        return erase_objects(event)

    async def mail_somebody(
        self, event: AccountMailRequested | ShareMailRequested
    ) -> Sequence[Effect]:
        """Record a mail, or forget to whom it would have gone if it comes too late."""
        notice = Notice.of_account_mail(event, await self.secret.identities())
        if datetime.now(UTC) > event.valid_until:
            return [expired_notice(notice, ACCOUNTS), *forget_mail(notice)]
        return [account_mail(notice, self.schedule)]

    def routes(self) -> list[Route]:
        """Which event goes where."""
        return [
            on(AudioReady, self.tell),
            on(AudiobookReady, self.tell),
            on(NarrationCompleted, self.tell),
            on(NarrationFailed, self.tell),
            on(AudioFailed, self.tell),
            on(AudiobookFailed, self.tell),
            on(DocumentRejected, self.tell),
            on(TaskFailed, self.tell_task),
            on(DocumentDeleted, self.deleted),
            on(AccountMailRequested, self.mail_somebody),
            on(ShareMailRequested, self.mail_somebody),
            on(UserRegistered, self.recipients.addressed),
            on(UserAddressChanged, self.recipients.addressed),
            on(UserDisabled, self.recipients.disabled),
            on(UserEnabled, self.recipients.disabled),
            on(UserDeleted, self.recipients.deleted),
        ]


def _sameness(event: AudioReady | AudioFailed | TaskFailed) -> str:
    """Return what events have in common that one mail can tell together."""
    match event:
        case AudioFailed():
            return f"{event.document_id}/{event.code}"
        case TaskFailed():
            return f"{event.document_id}/{event.fingerprint}"
        case _:
            return str(event.document_id)
