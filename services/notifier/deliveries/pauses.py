"""How long a target that could not be reached is left alone."""

from libs.common.errors import Throttled, Transient
from libs.common.processing.job_kind import Job
from services.notifier.deliveries.outcomes import put_back
from services.notifier.notices import Notice

FIRST_PAUSE_S = 5.0
PAUSE_GROWTH = 4.0
LONGEST_PAUSE_S = 4 * 3600.0


async def later(job: Job[Notice], error: Transient) -> Throttled:
    """Record what went wrong, and return what makes the worker wait long enough."""
    await job.record([put_back(job.payload, error)])
    asked_s = error.retry_after_s if isinstance(error, Throttled) else None
    waiting = Throttled(str(error), max(asked_s or 0.0, pause_s(job.attempt)))
    waiting.code = error.code
    return waiting


def pause_s(attempt: int) -> float:
    """Return the pause after failed attempt number ``attempt`` (from 1), in seconds.

    Longer than the worker's own, after the schedule that Standard Webhooks 1.0 proposes in
    "Deliverability and reliability": seconds at first, hours at last.
    """
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * PAUSE_GROWTH ** (min(attempt, 20) - 1))
