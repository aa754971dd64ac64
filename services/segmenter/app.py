"""Composition root of the segmenter: the only module that builds clients from settings."""

import os
from pathlib import Path

from libs.common.contracts.documents import PageSegmented
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.erasing import ERASE, Eraser
from libs.common.runtime.connect import open_database, open_object_storage
from libs.common.runtime.pool import CpuPool
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from services.segmenter.cutter import Cutter
from services.segmenter.cutting.segment import warm_up
from services.segmenter.handlers import routes
from services.segmenter.jobs import SEGMENT
from services.segmenter.settings import Settings

NAME = "segmenter"
NICENESS = 15
"""A book is cut far ahead of its being spoken, and must not hold up the page that is heard next."""
PUBLISHES = (PageSegmented, TaskFailed)
CONSUMES = tuple(route.event for route in routes())


def build(common: CommonSettings, settings: Settings) -> ServiceParts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    workers = settings.workers or os.cpu_count() or 1
    pool = CpuPool(workers, warm_up=warm_up, niceness=NICENESS)
    cutter = Cutter(storage, pool, settings.max_utterance_characters)
    return ServiceParts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[
            SEGMENT.done_by(cutter.segment, slots=workers + 1),
            ERASE.done_by(Eraser(storage, common.erasure_sweep_seconds).erase),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=Metrics(NAME),
        resources=[pool],
    )
