from types import SimpleNamespace

import pytest

from libs.common.kafka.measuring import Measuring
from libs.common.observability.metrics import Metrics
from libs.common.processing.delivery import Taken

BATCH = SimpleNamespace(raw_message=[SimpleNamespace(topic="a"), SimpleNamespace(topic="b")])


async def measured(handler):
    metrics = Metrics("ingest")
    middleware = Measuring(BATCH.raw_message, context=None, metrics=metrics)

    def sample(name, **labels):
        return metrics.registry.get_sample_value(name, {"service": "ingest"} | labels)

    return middleware.consume_scope(handler, BATCH), sample


async def test_each_record_is_counted_by_topic_and_outcome():
    async def handler(message):
        return [Taken("a", "handled", 0.25, 4.0), Taken("b", "ignored", 0.5, None)]

    consuming, sample = await measured(handler)
    await consuming
    assert sample("events_consumed_total", topic="a", outcome="handled") == 1
    assert sample("events_consumed_total", topic="b", outcome="ignored") == 1
    assert sample("event_handling_seconds_sum", topic="a") == 0.25
    assert sample("event_lag_seconds_sum", topic="a") == 4.0
    assert not sample("event_lag_seconds_count", topic="b")


async def test_a_batch_that_fails_has_only_errors():
    async def handler(message):
        raise LookupError

    consuming, sample = await measured(handler)
    with pytest.raises(LookupError):
        await consuming
    for topic in "ab":
        assert sample("events_consumed_total", topic=topic, outcome="error") == 1
