"""Prints every page that can be heard, as Lectern announces it on the topic ``audio.ready``.

    pip install "aiokafka[lz4]"
    python audio_ready_consumer.py --bootstrap kafka:9092 --from-beginning

It needs nothing of Lectern: docs/events.md says what is on the wire. Start from it for a consumer
of your own.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

KNOWN_VERSION = 1
REMEMBERED_IDS = 100_000
MS_PER_SECOND = 1000


class Seen:
    """The ids of the latest events, to drop what is delivered a second time.

    A program that changes something keeps the ids in its own database instead, and writes them in
    the transaction of the change: then a restart forgets nothing.
    """

    def __init__(self, remembered: int = REMEMBERED_IDS) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def first_time(self, event_id: str) -> bool:
        """Remember an id; False if it was there already."""
        if event_id in self._ids:
            return False
        self._ids[event_id] = None
        if len(self._ids) > self._remembered:
            self._ids.popitem(last=False)
        return True


async def main(options: argparse.Namespace) -> int:
    """Print events until interrupted, or until there were ``--count``; return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    consumer = AIOKafkaConsumer(
        options.topic,
        bootstrap_servers=options.bootstrap,
        group_id=options.group,
        # Counts only where the group has no offset yet: a group that was here before goes on.
        auto_offset_reset="earliest" if options.from_beginning else "latest",
        enable_auto_commit=False,  # what was printed is committed, not what was fetched
    )
    try:
        await consumer.start()
        await follow(consumer, options, stop)
    except KafkaError as error:
        print(f"Kafka at {options.bootstrap}: {error}", file=sys.stderr)
        return 1
    finally:
        await consumer.stop()
    return 0


async def follow(
    consumer: AIOKafkaConsumer, options: argparse.Namespace, stop: asyncio.Event
) -> None:
    """Print what arrives, each event once."""
    seen, printed = Seen(), 0
    async for record in until(stop, consumer):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        if seen.first_time(headers.get("ce_id", "")):
            printed += show(record, headers)
        if options.group:
            done = TopicPartition(record.topic, record.partition)
            await consumer.commit({done: record.offset + 1})
        if options.count and printed >= options.count:
            return


async def until(stop: asyncio.Event, consumer: AIOKafkaConsumer) -> AsyncIterator[ConsumerRecord]:
    """Yield records until ``stop`` is set."""
    stopping = asyncio.ensure_future(stop.wait())
    while True:
        record = asyncio.ensure_future(consumer.getone())
        await asyncio.wait({record, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            record.cancel()
            await asyncio.gather(record, return_exceptions=True)
            return
        yield record.result()


def show(record: ConsumerRecord, headers: Mapping[str, str]) -> bool:
    """Print a record; False if it is none that this program reads."""
    try:
        text = readable(record.value, headers)
    except (KeyError, TypeError, ValueError) as error:
        at = f"{record.topic}[{record.partition}] offset {record.offset}"
        print(f"{at} skipped: {type(error).__name__} {error}", file=sys.stderr)
        return False
    print(text, *(f"    {name}: {value}" for name, value in headers.items()), sep="\n", flush=True)
    return True


def readable(raw: bytes, headers: Mapping[str, str]) -> str:
    """Return one line about an event. Raises ValueError for what this program does not know."""
    if headers["ce_type"] != "audio.ready":
        raise ValueError(f"it is {headers['ce_type']}")
    value = json.loads(raw)
    if value["version"] > KNOWN_VERSION:
        raise ValueError(f"version {value['version']} is newer than this program")
    return line(headers["ce_time"], value)


def line(time: str, value: Mapping[str, Any]) -> str:
    """Return what an event says, on one line."""
    files = ", ".join(
        f"{rendition['format']} {rendition['object']['size']:,} bytes"
        for rendition in value["renditions"]
    )
    return (
        f"{time} page {value['page']} of document {value['document_id']}: "
        f"{value['duration_ms'] / MS_PER_SECOND:.1f} s, {value['characters_spoken']:,} characters, "
        f"by {value['engine']}/{value['voice']}; {files}"
    )


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bootstrap", default="localhost:9092", help="host:port of a broker")
    parser.add_argument("--topic", default="audio.ready")
    parser.add_argument("--group", help="share the work with, or go on as; default: on one's own")
    parser.add_argument("--from-beginning", action="store_true", help="all that was ever announced")
    parser.add_argument("--count", type=int, default=0, help="stop after so many; 0: never")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
