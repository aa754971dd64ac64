"""The long work of notifier, declared: see deliverer.py for how it is done."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import AGAIN_AFTER_MS, JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
from libs.common.store.jobs.new_job import NewJob
from services.notifier.deliveries.outcomes import failed
from services.notifier.notices import Channel, Notice


def notification_failed(notice: Notice, reason: GivenUp) -> Sequence[Effect]:
    """Record that nobody was told."""
    return [failed(notice, reason.code)]


MAIL = JobKind(
    name="mail",
    payload=Notice,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=notification_failed,
)
"""Send one mail, with everything that goes out in it."""

WEBHOOK = JobKind(
    name="webhook",
    payload=Notice,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=notification_failed,
)
"""Post one webhook."""

BY_CHANNEL: Mapping[Channel, JobKind[Notice]] = {"mail": MAIL, "webhook": WEBHOOK}


class ForgetMailJob(BaseModel):
    """Remove what was stored for a mail that was sent or given up."""

    mail_id: UUID


def forget_mail(notice: Notice) -> Sequence[NewJob]:
    """Return the effects of forgetting to whom a mail about an account or a share went."""
    event = notice.event
    if not isinstance(event, AccountMailRequested | ShareMailRequested):
        return []
    return [_forgetting(ForgetMailJob(mail_id=event.mail_id))]


def _forgetting(job: ForgetMailJob, delay_ms: int = 0) -> NewJob:
    return FORGET_MAIL.new(job, subject=f"mail/{job.mail_id}", delay_ms=delay_ms)


def forget_again(job: ForgetMailJob, _reason: GivenUp) -> Sequence[Effect]:
    """Have it tried again for ever: an address is not kept because a storage was down."""
    return [_forgetting(job, AGAIN_AFTER_MS)]


def account_mail_failed(notice: Notice, reason: GivenUp) -> Sequence[Effect]:
    """Record that a mail was not sent, and have forgotten what was stored for it."""
    return [failed(notice, reason.code), *forget_mail(notice)]


FORGET_MAIL = JobKind(
    name="forget_mail",
    payload=ForgetMailJob,
    limits=TimeLimits(soft_s=60, hard_s=90),
    gave_up=forget_again,
)
"""Remove what was stored for a mail about an account or a share."""

ACCOUNT_MAIL = JobKind(
    name="account_mail",
    payload=Notice,
    limits=TimeLimits(soft_s=300, hard_s=330),
    gave_up=account_mail_failed,
)
"""Send one mail about an account or a share."""
