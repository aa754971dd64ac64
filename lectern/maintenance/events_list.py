"""The command ``events list``: what is in the services' event stores; it only reads."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from lectern.exits import Exit, Failed
from lectern.maintenance.event_arguments import moment, stream_name, topic_name
from lectern.maintenance.event_listing import ListedEvent, Sought, list_events
from lectern.maintenance.service_databases import (
    add_data_folder,
    open_database_as_it_is,
    service_name,
)
from lectern.service_catalog import SERVICES, ServiceSpec
from libs.common.contracts.cloudevents import rfc3339
from libs.common.settings import variable

ABOUT = """
Lists events of the services' stores in the order in which they were stored: service and place in
its store, when it occurred, whether Kafka has it (sent, waits in the outbox, or refused and why),
topic, event id, stream, version. It changes nothing. --document and --topic read the whole table.
"""
LIMIT, MOST = 100, 10_000
HEADING = (
    f"{'service':9} {'place':>9} {'occurred':27} {'state':7} {'topic':24} {'event id':36} "
    "stream version"
)


def add_to(actions: Any) -> None:
    """Add the command to those about events."""
    listing = actions.add_parser(
        "list", help="list events, and whether they wait", description=ABOUT
    )
    listing.set_defaults(run=print_events)
    listing.add_argument(
        "service",
        nargs="*",
        type=service_name,
        metavar="SERVICE",
        help="default: all whose database is set",
    )
    listing.add_argument("--document", type=UUID, metavar="ID", help="events about a document")
    listing.add_argument("--event", type=UUID, metavar="ID", help="one event, ce_id on Kafka")
    listing.add_argument("--topic", type=topic_name)
    listing.add_argument("--stream", type=stream_name, help="one, such as document/ID or audio/ID")
    listing.add_argument("--since", type=moment, help="what occurred then or later, RFC 3339")
    listing.add_argument("--until", type=moment, help="what occurred before then")
    kind = listing.add_mutually_exclusive_group()
    kind.add_argument("--waiting", action="store_true", help="what waits in the outbox")
    kind.add_argument("--refused", action="store_true", help="what Kafka refused, and why")
    listing.add_argument(
        "--limit", type=_limit, default=LIMIT, help="lines of a service; default: %(default)s"
    )
    listing.add_argument(
        "--after", type=int, default=0, metavar="PLACE", help="what was stored behind that place"
    )
    add_data_folder(listing)


async def print_events(arguments: argparse.Namespace) -> int:
    """Print a line for each event that is sought."""
    sought = Sought(
        key=arguments.document and str(arguments.document),
        event_id=arguments.event,
        topic=arguments.topic,
        stream=arguments.stream,
        since=arguments.since and rfc3339(arguments.since),
        until=arguments.until and rfc3339(arguments.until),
        waiting=arguments.waiting,
        refused=arguments.refused,
        after=arguments.after,
    )
    print(HEADING)
    for spec in _asked(arguments):
        found = await _found(spec, arguments.data, sought, arguments.limit + 1)
        for event in found[: arguments.limit]:
            print(line(spec.name, event))
        if len(found) > arguments.limit:
            place = found[arguments.limit - 1].place
            sys.stderr.write(f"there are more: name {spec.name} and add --after {place}\n")
    return Exit.OK


def line(service: str, event: ListedEvent) -> str:
    """Return what is told of an event; what may have any length is at the end."""
    return (
        f"{service:9} {event.place:9} {event.occurred_at:27} {event.state:7} {event.topic:24} "
        f"{event.event_id} {event.stream} {event.version}"
    )


async def _found(
    spec: ServiceSpec, data: Path | None, sought: Sought, limit: int
) -> list[ListedEvent]:
    database = open_database_as_it_is(spec, data)
    try:
        return await list_events(database, sought, limit)
    except DBAPIError as error:
        said = f"the database of {spec.name} is not up to date: run `lectern migrate {spec.name}`"
        raise Failed(Exit.UNAVAILABLE, said) from error
    finally:
        await database.close()


def _asked(arguments: argparse.Namespace) -> list[ServiceSpec]:
    """Return the services that are named, or all that have a database here; the first if none has.

    The first one's settings then say what is lacking.
    """
    if arguments.service:
        return [spec for spec in SERVICES if spec.name in arguments.service]
    if arguments.data is not None:
        return list(SERVICES)
    known = [spec for spec in SERVICES if os.environ.get(variable(spec.settings, "database_url"))]
    return known or [SERVICES[0]]


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines from 1 to {MOST:,}")
    return int(text)
