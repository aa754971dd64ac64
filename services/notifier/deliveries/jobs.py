"""The long work of notifier, declared: see deliverer.py for how it is done."""

from collections.abc import Mapping, Sequence

from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect
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
