"""Composition root of ingest: the only module that builds clients from settings."""

import os
from functools import partial
from pathlib import Path

from libs.common.contracts.documents import DocumentParsed, DocumentRejected, PageExtracted
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.erasing import ERASE, Eraser
from libs.common.runtime.connect import open_database, open_object_storage
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from libs.common.store.history import History
from services.ingest.handlers import routes
from services.ingest.intake import Intake
from services.ingest.jobs import FETCH, PARSE
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.confined_parser import ConfinedParser
from services.ingest.settings import Settings
from services.ingest.sources.confined_fetcher import ConfinedFetcher, FetchLimits
from services.ingest.web_documents import WebDocuments

NAME = "ingest"
PUBLISHES = (PageExtracted, DocumentParsed, DocumentRejected, TaskFailed)
CONSUMES = tuple(route.event for route in routes())


def build(common: CommonSettings, settings: Settings) -> ServiceParts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    workers = settings.workers or os.cpu_count() or 1
    storage = open_object_storage(common)
    metrics = Metrics(NAME)
    parser = _parser(settings, metrics)
    fetcher = _fetcher(settings, metrics)
    history = History(database)
    web_documents = WebDocuments(storage=storage, history=history, fetcher=fetcher)
    intake = Intake(storage=storage, history=history, parser=parser)
    return ServiceParts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[
            FETCH.done_by(
                web_documents.fetch,
                slots=settings.url_slots,
                slots_of_one=max(1, settings.url_slots // 2),
            ),
            PARSE.done_by(intake.parse, slots=workers + 1, slots_of_one=workers),
            ERASE.done_by(Eraser(storage, common.erasure_sweep_seconds).erase),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=metrics,
        resources=[parser, fetcher],
        starting=parser.prepare,
        checks={"sandbox": partial(_confinement, parser, fetcher)},
    )


def _parser(settings: Settings, metrics: Metrics) -> ConfinedParser:
    limits = Limits(
        memory_bytes=settings.parse_memory_bytes,
        cpu_seconds=settings.parse_cpu_seconds,
        wall_seconds=settings.parse_wall_seconds,
    )
    return ConfinedParser(limits, required=settings.require_sandbox, metrics=metrics)


def _fetcher(settings: Settings, metrics: Metrics) -> ConfinedFetcher:
    limits = FetchLimits(
        max_bytes=settings.url_max_bytes,
        timeout_seconds=settings.url_timeout_seconds,
        allow_private=settings.url_allow_private,
        ports=settings.url_ports,
    )
    return ConfinedFetcher(limits, required=settings.require_sandbox, metrics=metrics)


async def _confinement(parser: ConfinedParser, fetcher: ConfinedFetcher) -> str | None:
    """Return what parsers lack of the sandbox or, if nothing, what fetchers lack."""
    return await parser.check() or await fetcher.check()
