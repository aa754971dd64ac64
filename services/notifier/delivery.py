"""The jobs that send: one notice to one target, again and again until it is settled.

An attempt that failed for a passing reason is repeated after longer and longer pauses, about a day
in all with the default number of attempts, so that a receiver may be down for a night.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.common.effects import Effect
from libs.common.errors import LecternError, Permanent, Throttled, Transient
from libs.common.worker import Job
from services.notifier.ledger import Attempt, failed, put_back, sent
from services.notifier.mail import Mailer
from services.notifier.notices import Notice, Target
from services.notifier.texts import letter
from services.notifier.webhooks import Webhooks

FIRST_PAUSE_S = 5.0
PAUSE_GROWTH = 4.0
LONGEST_PAUSE_S = 4 * 3600.0


@dataclass(frozen=True)
class Postman:
    """Delivers notices to the targets of the settings, found by their keys."""

    targets: Mapping[str, Target]
    mailer: Mailer | None
    webhooks: Webhooks | None
    public_url: str | None = None

    async def mail(self, job: Job[Notice]) -> Sequence[Effect]:
        """Send one mail, with everything that waits to go out in it."""
        notice = job.payload
        attempt = Attempt(notice, job.attempt)
        await job.record([attempt])
        try:
            target = self._target(notice)
            if self.mailer is None:
                raise Permanent("no mail server is configured any more")
            text = letter(
                notice.event,
                pages=attempt.pages,
                notices=attempt.notices,
                public_url=self.public_url,
            )
            await self.mailer.send(notice, text, target.address)
        except Transient as error:
            raise await _later(job, error) from error
        return [sent(notice)]

    async def webhook(self, job: Job[Notice]) -> Sequence[Effect]:
        """Post one webhook."""
        notice = job.payload
        await job.record([Attempt(notice, job.attempt)])
        try:
            target = self._target(notice)
            if self.webhooks is None:
                raise Permanent("no webhook is configured any more")
            await self.webhooks.post(notice, target.address)
        except Transient as error:
            raise await _later(job, error) from error
        return [sent(notice)]

    def _target(self, notice: Notice) -> Target:
        target = self.targets.get(notice.target_key)
        if target is None:
            raise Permanent("the target is not configured any more")
        return target


async def _later(job: Job[Notice], error: Transient) -> Throttled:
    """Record what went wrong, and return what makes the worker wait long enough."""
    await job.record([put_back(job.payload, error)])
    asked_s = error.retry_after_s if isinstance(error, Throttled) else None
    later = Throttled(str(error), max(asked_s or 0.0, pause_s(job.attempt)))
    later.code = error.code
    return later


def pause_s(attempt: int) -> float:
    """Return the pause after failed attempt number ``attempt`` (from 1), in seconds.

    Longer than the worker's own, after the schedule that Standard Webhooks 1.0 proposes in
    "Deliverability and reliability": seconds at first, hours at last.
    """
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * PAUSE_GROWTH ** (min(attempt, 20) - 1))


def gave_up(payload: Notice, error: LecternError) -> Sequence[Effect]:
    """Record that nobody was told."""
    return [failed(payload, error)]
