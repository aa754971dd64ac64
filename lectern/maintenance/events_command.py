"""The commands for events, of which ``republish`` sends them again, with the same ids."""

import argparse
import asyncio
import sys
from time import monotonic
from typing import Any

from lectern.exits import Exit, Failed
from lectern.maintenance import events_list
from lectern.maintenance.event_arguments import moment, stream_name, topic_name
from lectern.maintenance.service_databases import add_data_folder, open_database, service_name
from lectern.service_catalog import SERVICES, ServiceSpec
from libs.common.contracts.catalog import event_by_topic
from libs.common.contracts.cloudevents import rfc3339
from libs.common.database.engine import Database
from libs.common.store.republishing import Chosen, Step, count_by_topic, republish

ABOUT = """
Sends events of the services' stores again, with the same ids, bytes, times and headers. The relays
of the running services send them; the command ends when they have. Whoever has handled an event
before drops it by its id, so nothing happens twice: this is for consumers that are new, for topics
that lost something, and for what Kafka refused. It may be interrupted at any time.
"""
SAY_EVERY_S = 5.0


def add_to(commands: Any) -> None:
    """Add the commands."""
    events = commands.add_parser("events", help="the services' event stores")
    actions = events.add_subparsers(required=True)
    events_list.add_to(actions)
    _add_republish(actions)


def _add_republish(actions: Any) -> None:
    again = actions.add_parser(
        "republish", help="send history to its topics again", description=ABOUT
    )
    again.set_defaults(run=republish_events)
    again.add_argument(
        "service",
        nargs="*",
        type=service_name,
        metavar="SERVICE",
        help="default: those that publish the topics",
    )
    again.add_argument(
        "--topic", action="append", default=[], type=topic_name, help="several may be"
    )
    again.add_argument("--stream", type=stream_name, help="one, such as document/ID or audio/ID")
    again.add_argument("--since", type=moment, help="what occurred then or later, RFC 3339")
    again.add_argument("--until", type=moment, help="what occurred before then")
    again.add_argument("--all", action="store_true", help="everything that the services ever sent")
    again.add_argument(
        "--refused", action="store_true", help="what Kafka refused, and was set aside"
    )
    again.add_argument(
        "--after",
        type=int,
        default=0,
        metavar="PLACE",
        help="to go on after an interruption: the place that it told, of one service",
    )
    again.add_argument("--dry-run", action="store_true", help="only count")
    add_data_folder(again)


async def republish_events(arguments: argparse.Namespace) -> int:
    """Send what is chosen again, one service after the other; prints a line for each."""
    specs = _publishing(arguments)
    chosen = Chosen(
        topics=arguments.topic,
        stream=arguments.stream,
        since=arguments.since and rfc3339(arguments.since),
        until=arguments.until and rfc3339(arguments.until),
        refused=arguments.refused,
        after=arguments.after,
    )
    for spec in specs:
        database = await open_database(spec, arguments.data)
        try:
            await _republish_one(spec.name, database, chosen, arguments.dry_run)
        finally:
            await database.close()
    return Exit.OK


async def _republish_one(service: str, database: Database, chosen: Chosen, dry_run: bool) -> None:
    counts = await count_by_topic(database, chosen)
    total = sum(counts.values())
    done = 0
    if not dry_run:
        lines = RepublishingLines(service, total)
        try:
            done = await republish(database, chosen, lines)
        except asyncio.CancelledError:
            sys.stderr.write(f"to go on, name {service} and add --after {lines.place}\n")
            raise
    verb, count = ("would republish", total) if dry_run else ("republished", done)
    topics = ", ".join(f"{topic} {number:,}" for topic, number in sorted(counts.items()))
    print(f"{verb} {count:,} events of {service}{topics and ': '}{topics}", flush=True)


class RepublishingLines:
    """Tells now and then how far a service has come, and when nothing moves."""

    def __init__(self, service: str, total: int) -> None:
        self._service, self._total = service, total
        self.place = 0
        self._said = self._moved = monotonic()
        self._seen: Step | None = None

    def __call__(self, step: Step) -> None:
        """Write a line to standard error if it is time for one."""
        now = monotonic()
        self.place = step.place
        if step != self._seen:
            self._seen, self._moved = step, now
        if now - self._said < SAY_EVERY_S:
            return
        self._said = now
        line = f"{self._service}: {step.marked:,} of {self._total:,} in the outbox or sent"
        line += f", up to place {step.place}; {step.waiting:,} wait"
        if now - self._moved > 3 * SAY_EVERY_S:
            line += "; nothing is being sent: does the service run, and is Kafka there?"
        sys.stderr.write(f"{line}\n")


def _publishing(arguments: argparse.Namespace) -> list[ServiceSpec]:
    """Return the services that are named, or those that publish the topics.

    Raises:
        Failed: Nothing is chosen.
    """
    limits = (arguments.topic, arguments.stream, arguments.since, arguments.refused, arguments.all)
    if not any(limits):
        said = "say what: --topic, --stream, --since or --refused, or --all for everything"
        raise Failed(Exit.USAGE, said)
    if arguments.after and len(arguments.service) != 1:
        raise Failed(Exit.USAGE, "--after is a place in the store of one service: name it")
    producers = {event_by_topic()[topic].producer for topic in arguments.topic} or {"*"}
    if arguments.service:
        return [spec for spec in SERVICES if spec.name in arguments.service]
    return [spec for spec in SERVICES if producers & {"*", spec.name}]
