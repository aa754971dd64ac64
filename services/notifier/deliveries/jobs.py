"""The long work of notifier, declared: see deliverer.py for how it is done."""

from collections.abc import Mapping, Sequence

from libs.common.errors import LecternError
from libs.common.processing.job_kind import JobKind
from libs.common.store.effects import Effect
from services.notifier.deliveries.outcomes import failed
from services.notifier.notices import Channel, Notice


def notification_failed(notice: Notice, error: LecternError) -> Sequence[Effect]:
    """Record that nobody was told."""
    return [failed(notice, error)]


MAIL = JobKind("mail", Notice, notification_failed)
"""Send one mail, with everything that goes out in it."""

WEBHOOK = JobKind("webhook", Notice, notification_failed)
"""Post one webhook."""

BY_CHANNEL: Mapping[Channel, JobKind[Notice]] = {"mail": MAIL, "webhook": WEBHOOK}
