"""Composition root of the segmenter: the only module that builds clients from settings."""

import os
from pathlib import Path

from libs.common.connect import open_database, open_object_storage
from libs.common.events import PageSegmented, TaskFailed
from libs.common.metrics import Metrics
from libs.common.pool import CpuPool
from libs.common.service import Parts
from libs.common.settings import CommonSettings
from libs.common.worker import work
from services.segmenter.cutting import Cutter, gave_up
from services.segmenter.handlers import SEGMENT, SegmentJob, routes
from services.segmenter.segment import warm_up
from services.segmenter.settings import Settings

NAME = "segmenter"
NICENESS = 15
"""A book is cut far ahead of its being spoken, and must not hold up the page that is heard next."""
PUBLISHES = (PageSegmented, TaskFailed)
CONSUMES = tuple(each.event for each in routes())


def build(common: CommonSettings, settings: Settings) -> Parts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    workers = settings.workers or os.cpu_count() or 1
    pool = CpuPool(workers, warm_up, niceness=NICENESS)
    cutter = Cutter(storage, pool, settings.max_utterance_characters)
    return Parts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[work(SEGMENT, SegmentJob, cutter.segment, gave_up, slots=workers + 1)],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=Metrics(NAME),
        resources=[pool],
    )
