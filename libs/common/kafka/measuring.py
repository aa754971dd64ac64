"""What became of consumed records, as metrics."""

from collections import Counter
from typing import Any

from faststream import BaseMiddleware

from libs.common.observability.metrics import Metrics


class Measuring(BaseMiddleware[Any, Any]):
    """Records what the consumer says of each record of a batch.

    Of one that has to come again nothing is known but that: all of its records are errors.
    """

    def __init__(self, msg: Any, /, *, context: Any, metrics: Metrics) -> None:
        super().__init__(msg, context=context)
        self._metrics = metrics

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        """Call the handler, and measure."""
        metrics = self._metrics
        try:
            taken = await call_next(msg)
        except BaseException:
            for raw in msg.raw_message:
                metrics.events_consumed_total.labels(topic=raw.topic, outcome="error").inc()
            raise
        outcomes = Counter((topic, outcome) for topic, outcome, _, _ in taken)
        for (topic, outcome), count in outcomes.items():
            metrics.events_consumed_total.labels(topic=topic, outcome=outcome).inc(count)
        # Finding a metric by its labels costs more than setting it: once for each topic of a batch.
        topics = {topic for topic, _ in outcomes}
        handling = {topic: metrics.event_handling_seconds.labels(topic=topic) for topic in topics}
        lag = {topic: metrics.event_lag_seconds.labels(topic=topic) for topic in topics}
        for topic, _, seconds, lag_s in taken:
            handling[topic].observe(seconds)
            if lag_s is not None:
                lag[topic].observe(lag_s)
        return taken
