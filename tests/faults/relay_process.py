"""A relay as a process of its own, to be frozen: ``python -m tests.faults.relay_process URL``.

The address of Kafka is in the environment, as for a service.
"""

import asyncio
import sys

from libs.common.database.engine import Database
from libs.common.kafka.broker import producer
from libs.common.kafka.sender import Sender
from libs.common.observability.metrics import Metrics
from libs.common.processing.relay import Relay
from libs.common.settings import CommonSettings, load


async def main(url: str) -> None:
    settings = load(CommonSettings)
    sender = Sender(lambda: producer(settings))
    relay = Relay(
        database=Database(url, pool_size=2),
        producer=sender,
        source="/lectern/ingest",
        metrics=Metrics("ingest"),
        batch_size=settings.relay_batch_size,
        poll_interval_s=settings.relay_poll_interval_ms / 1000,
        lease_ms=settings.relay_lease_seconds * 1000,
    )
    await relay.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
