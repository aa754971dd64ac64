"""Composition root of the gateway: the only module that builds clients from settings."""

from dataclasses import dataclass
from pathlib import Path

from starlette.routing import Mount

from libs.common.connect import open_database, open_object_storage
from libs.common.events import (
    AudiobookRequested,
    AudioDeleted,
    AudioRequested,
    DocumentDeleted,
    DocumentSubmitted,
    NarrationRequested,
    PageEdited,
    TaskFailed,
)
from libs.common.metrics import Metrics
from libs.common.service import Parts
from libs.common.settings import CommonSettings
from services.gateway.api.application import create_app
from services.gateway.api.context import Context
from services.gateway.changes import Changes
from services.gateway.commands import Commands
from services.gateway.handlers import Gateway
from services.gateway.policy import Policy
from services.gateway.queries import Queries
from services.gateway.settings import Settings
from services.gateway.tokens import Tokens

NAME = "gateway"
PUBLISHES = (
    DocumentSubmitted,
    DocumentDeleted,
    PageEdited,
    NarrationRequested,
    AudioRequested,
    AudioDeleted,
    AudiobookRequested,
    TaskFailed,
)

JSON_GROWTH = 4
"""How much longer than its text a page may be as JSON; some letters are escaped."""
JSON_ROOM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Assembly:
    """The service's parts, and what the command line calls without HTTP."""

    parts: Parts
    commands: Commands
    queries: Queries
    tokens: Tokens
    changes: Changes


def build(common: CommonSettings, settings: Settings) -> Parts:
    """Return the service's parts, connected to nothing yet."""
    return assemble(common, settings).parts


def assemble(common: CommonSettings, settings: Settings) -> Assembly:
    """Return everything there is, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    policy = Policy(max_in_flight=settings.max_pages_in_flight_per_owner)
    commands = Commands(
        database=database,
        storage=storage,
        policy=policy,
        max_upload_bytes=settings.max_upload_bytes,
        max_page_bytes=settings.max_page_bytes,
        max_audios_per_page=settings.max_audios_per_page,
    )
    queries = Queries(database)
    tokens = Tokens(database)
    changes = Changes(database, settings.events_poll_interval_ms / 1000)
    max_json_bytes = JSON_GROWTH * settings.max_page_bytes + JSON_ROOM_BYTES
    api = create_app(Context(commands, queries, tokens, changes, storage, max_json_bytes))
    parts = Parts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=Gateway(policy).routes(),
        work=[],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=Metrics(NAME),
        resources=[changes],
        http_routes=[Mount("/", app=api)],
        keep_events=True,
    )
    return Assembly(parts, commands, queries, tokens, changes)
