"""Prints every page that can be heard, as Lectern announces it on the topic ``audio.ready``.

    pip install "aiokafka[lz4]"
    python audio_ready_consumer.py --bootstrap kafka:9092 --from-beginning

It needs nothing of Lectern: docs/events.md says what is on the wire. Start from it for a consumer
of your own.

Events do not say what a document is called. With ``LECTERN_URL`` and ``LECTERN_TOKEN`` in the
environment the gateway is asked for the title; with ``--storage`` the title of an audiobook
(``--topic audiobook.ready``) is read from the object that its event refers to.
"""

import argparse
import asyncio
import hashlib
import json
import os
import signal
import sys
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

KNOWN_VERSION = 1
REMEMBERED_IDS = 100_000
MS_PER_SECOND = 1000
HTTP_TIMEOUT_S = 10
NOT_FOUND = 404
GONE = "untitled or gone"
"""What a document is called that was deleted, or that the token may not see."""


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


class Gaps:
    """Finds events that never came: streams count theirs from 1, for each source.

    A stream may span several topics, so the count of one topic alone says nothing: follow all
    topics of the streams that you watch. There is no order between topics, so what is missing now
    may come in a moment. What a topic no longer keeps is missing too.
    """

    def __init__(self) -> None:
        self._highest: dict[tuple[str, str], int] = {}
        self._missing: dict[tuple[str, str], set[int]] = defaultdict(set)

    def note(self, headers: Mapping[str, str]) -> None:
        """Count an event."""
        stream = headers["ce_source"], headers["ce_stream"]
        version, highest = int(headers["ce_streamversion"]), self._highest.get(stream, 0)
        self._missing[stream].update(range(highest + 1, version))
        self._missing[stream].discard(version)
        self._highest[stream] = max(highest, version)

    def missing(self) -> Mapping[tuple[str, str], Sequence[int]]:
        """Return which versions lack so far, by source and stream."""
        return {stream: sorted(lacks) for stream, lacks in self._missing.items() if lacks}


class Titles:
    """What documents are called, from wherever this program was told to look."""

    def __init__(self, url: str | None, token: str | None, storage: Path | None) -> None:
        self._url = url
        self._token = token
        self._storage = storage

    async def title(self, value: Mapping[str, Any]) -> str | None:
        """Return the title for an event, None if nobody can be asked."""
        if self._storage is not None and "details" in value:
            return await asyncio.to_thread(self._stored, self._storage, value["details"])
        if self._url and self._token:
            return await asyncio.to_thread(self._asked, value["document_id"])
        return None

    def _stored(self, storage: Path, details: Mapping[str, Any]) -> str:
        """Read it from the object that the event refers to. In a bucket the key is the same."""
        try:
            found = (storage / details["key"]).read_bytes()
        except FileNotFoundError:  # the document was deleted
            return GONE
        if hashlib.sha256(found).hexdigest() != details["sha256"]:
            raise ValueError("the details are not what the event promised")
        return str(json.loads(found)["title"])

    def _asked(self, document_id: str) -> str:
        address = f"{self._url}/api/v1/documents/{document_id}"
        request = Request(address, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - the operator's own address
        try:
            with urlopen(request, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 - the same
                return str(json.load(answer)["title"])
        except HTTPError as error:
            if error.code == NOT_FOUND:  # deleted, or not for this token to see
                return GONE
            raise


async def main(options: argparse.Namespace) -> int:
    """Print events until interrupted, or until there were ``--count``; return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    consumer = AIOKafkaConsumer(
        *(options.topic or ["audio.ready"]),
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
    except OSError as error:  # what was not printed is not committed, and comes again
        print(f"titles: {error}", file=sys.stderr)
        return 1
    finally:
        await consumer.stop()
    return 0


async def follow(
    consumer: AIOKafkaConsumer, options: argparse.Namespace, stop: asyncio.Event
) -> None:
    """Print what arrives, each event once."""
    seen, gaps, printed = Seen(), Gaps() if options.gaps else None, 0
    titles = Titles(os.environ.get("LECTERN_URL"), os.environ.get("LECTERN_TOKEN"), options.storage)
    async for record in until(stop, consumer):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        if seen.first_time(headers.get("ce_id", "")):
            printed += await show(record, headers, titles, gaps)
        if options.group:
            done = TopicPartition(record.topic, record.partition)
            await consumer.commit({done: record.offset + 1})
        if options.count and printed >= options.count:
            break
    for (source, stream), versions in (gaps.missing() if gaps else {}).items():
        print(f"{stream} of {source} lacks {', '.join(map(str, versions))}", file=sys.stderr)


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


async def show(
    record: ConsumerRecord, headers: Mapping[str, str], titles: Titles, gaps: Gaps | None
) -> bool:
    """Print a record; False if it is none that this program reads.

    Raises OSError if nobody can be asked for the title just now: the record is not done then.
    """
    try:
        if gaps is not None:
            gaps.note(headers)
            if headers["ce_type"] not in LINES:
                return False  # it was followed to be counted
        value = readable(record.value, headers)
        text = f"{headers['ce_time']} {LINES[headers['ce_type']](value)}"
        title = await titles.title(value)
    except (KeyError, TypeError, ValueError) as error:
        at = f"{record.topic}[{record.partition}] offset {record.offset}"
        print(f"{at} skipped: {type(error).__name__} {error}", file=sys.stderr)
        return False
    named = [] if title is None else [f"    title: {title}"]
    attributes = [f"    {name}: {value}" for name, value in headers.items()]
    print(text, *named, *attributes, sep="\n", flush=True)
    return True


def readable(raw: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the value of an event. Raises ValueError for what this program does not know."""
    if headers["ce_type"] not in LINES:
        raise ValueError(f"it is {headers['ce_type']}")
    value: Mapping[str, Any] = json.loads(raw)
    if value["version"] > KNOWN_VERSION:
        raise ValueError(f"version {value['version']} is newer than this program")
    return value


def page(value: Mapping[str, Any]) -> str:
    """Return what ``audio.ready`` says, on one line."""
    files = ", ".join(
        f"{rendition['format']} {rendition['object']['size']:,} bytes"
        for rendition in value["renditions"]
    )
    return (
        f"page {value['page']} of document {value['document_id']}: "
        f"{value['duration_ms'] / MS_PER_SECOND:.1f} s, {value['characters_spoken']:,} characters, "
        f"by {value['engine']}/{value['voice']}; {files}"
    )


def audiobook(value: Mapping[str, Any]) -> str:
    """Return what ``audiobook.ready`` says, on one line."""
    return (
        f"audiobook of document {value['document_id']}: "
        f"{value['duration_ms'] / MS_PER_SECOND:.1f} s, {value['chapter_count']} chapters; "
        f"{value['format']} {value['object']['size']:,} bytes"
    )


LINES = {"audio.ready": page, "audiobook.ready": audiobook}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bootstrap", default="localhost:9092", help="host:port of a broker")
    parser.add_argument("--topic", action="append", help="any number; default: audio.ready")
    parser.add_argument("--storage", type=Path, help="folder of objects, to read titles from")
    parser.add_argument("--gaps", action="store_true", help="at the end, tell what never came")
    parser.add_argument("--group", help="share the work with, or go on as; default: on one's own")
    parser.add_argument("--from-beginning", action="store_true", help="all that was ever announced")
    parser.add_argument("--count", type=int, default=0, help="stop after so many; 0: never")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
