"""The commands for operators: topics, migrations, tokens, generated files."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from lectern.exits import Exit
from lectern.maintenance.service_databases import open_database, service_name
from lectern.reading_command import DATA
from lectern.service_catalog import SERVICES, consumers
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import EVERY_SCOPE, Scope
from libs.common.kafka.broker import connection_security
from libs.common.kafka.topic_specs import declared_topics, read_retention
from libs.common.kafka.topics import create_topics
from libs.common.runtime.connect import open_database_unhurried
from libs.common.settings import CommonSettings, load
from libs.common.store.migrate import upgrade
from services.gateway.accounts.rows import scopes_as_text
from services.gateway.accounts.tokens import Tokens

MAX_DAYS = 36_500


def add_to(commands: Any) -> None:
    """Add the commands."""
    topics = commands.add_parser("topics", help="Kafka topics").add_subparsers(required=True)
    create = topics.add_parser("create", help="bring the cluster to what is declared")
    create.set_defaults(run=create_missing_topics)
    migrate = commands.add_parser("migrate", help="bring the services' databases up to date")
    migrate.set_defaults(run=migrate_databases)
    migrate.add_argument(
        "service", nargs="*", type=service_name, metavar="SERVICE", help="default: all"
    )
    _add_tokens(commands)


def _add_tokens(commands: Any) -> None:
    token = commands.add_parser("token", help="bearer tokens of the API")
    actions = token.add_subparsers(required=True)
    create = actions.add_parser("create", help="make a token and print it, once")
    create.set_defaults(run=create_token)
    create.add_argument("--name", required=True, help="who or what the token is for")
    create.add_argument("--owner", type=UUID, help="an existing owner's id; default: a new one")
    create.add_argument("--valid-days", type=_days, help="default: until it is revoked")
    create.add_argument(
        "--scope",
        action="append",
        choices=sorted(Scope),
        help="what it is good for, may be given several times; default: everything",
    )
    listing = actions.add_parser("list", help="list tokens, never the secret itself")
    listing.set_defaults(run=list_tokens)
    revoke = actions.add_parser("revoke", help="make a token invalid")
    revoke.set_defaults(run=revoke_token)
    revoke.add_argument("--id", type=UUID, required=True, help="as the list shows it")
    for action in (create, listing, revoke):
        action.add_argument(
            "--data",
            type=Path,
            help=f"a standalone's data folder ({DATA}); default: GATEWAY_DATABASE_URL",
        )


async def create_missing_topics(arguments: argparse.Namespace) -> int:
    """Create topics; prints what was done with each."""
    common = load(CommonSettings)
    specs = declared_topics(
        consumers(),
        common.topic_replication_factor,
        common.topic_partitions,
        read_retention(common.topic_retention_hours),
    )
    for outcome in await create_topics(
        common.kafka_bootstrap_servers, specs, **connection_security(common)
    ):
        print(outcome)
    return 0


async def migrate_databases(arguments: argparse.Namespace) -> int:
    """Migrate the databases of the named services, or of all; needs nothing but those."""
    for spec in SERVICES:
        if arguments.service and spec.name not in arguments.service:
            continue
        database = open_database_unhurried(load(spec.settings))
        try:
            await upgrade(database, spec.migrations)
        finally:
            await database.close()
        print(f"{spec.name}: up to date")
    return 0


async def create_token(arguments: argparse.Namespace) -> int:
    """Print a new token on standard output, and its owner on standard error."""
    database = await open_database(SERVICES[0], arguments.data)
    try:
        owner, token = await Tokens(database).create(
            arguments.name,
            arguments.owner,
            arguments.valid_days,
            frozenset(map(Scope, arguments.scope)) if arguments.scope else EVERY_SCOPE,
        )
    finally:
        await database.close()
    print(token)
    sys.stderr.write(f"owner {owner}; keep the token, it cannot be shown again\n")
    return 0


async def list_tokens(arguments: argparse.Namespace) -> int:
    """Print name, owner, state, scopes and last use of every token."""
    database = await open_database(SERVICES[0], arguments.data)
    now = rfc3339(datetime.now(UTC))
    try:
        for token in await Tokens(database).listing():
            state = token.state(now)
            used = f"last used {token.last_used_at}" if token.last_used_at else "never used"
            scopes = scopes_as_text(token.scopes)
            since = f"{state} since {token.created_at}"
            print(f"{token.token_id} {token.name:30} {token.owner_id} {since} {scopes} {used}")
    finally:
        await database.close()
    return 0


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {MAX_DAYS}")
    return int(text)


async def revoke_token(arguments: argparse.Namespace) -> int:
    """Revoke a token."""
    database = await open_database(SERVICES[0], arguments.data)
    try:
        revoked = await Tokens(database).revoke(arguments.id)
    finally:
        await database.close()
    print("revoked" if revoked else "there is no such token that is valid")
    return Exit.OK if revoked else Exit.NOTHING_DONE
