"""Composition root of ingest: the only module that builds clients from settings."""

from pathlib import Path

from libs.common.connect import open_database, open_object_storage
from libs.common.events import DocumentParsed, DocumentRejected, PageExtracted, TaskFailed
from libs.common.history import History
from libs.common.metrics import Metrics
from libs.common.service import Parts
from libs.common.settings import CommonSettings
from libs.common.worker import work
from services.ingest.fetch import Fetcher
from services.ingest.handlers import ERASE, PARSE, EraseJob, ParseJob, routes
from services.ingest.intake import Intake, erase_gave_up, parse_gave_up
from services.ingest.sandbox import Limits, Sandbox
from services.ingest.settings import Settings

NAME = "ingest"
PUBLISHES = (PageExtracted, DocumentParsed, DocumentRejected, TaskFailed)
CONSUMES = tuple(each.event for each in routes())


def build(common: CommonSettings, settings: Settings) -> Parts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    sandbox = Sandbox(
        Limits(
            memory_bytes=settings.parse_memory_bytes,
            cpu_seconds=settings.parse_cpu_seconds,
            wall_seconds=settings.parse_wall_seconds,
        )
    )
    fetcher = Fetcher(
        max_bytes=settings.url_max_bytes,
        timeout_seconds=settings.url_timeout_seconds,
        allow_private=settings.url_allow_private,
    )
    intake = Intake(storage, History(database), sandbox, fetcher)
    return Parts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[
            work(PARSE, ParseJob, intake.parse, parse_gave_up, slots=settings.workers or 2),
            work(ERASE, EraseJob, intake.erase, erase_gave_up),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=Metrics(NAME),
        resources=[sandbox],
    )
