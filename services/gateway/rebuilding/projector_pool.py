"""Projecting in other processes: reading events takes longer than fetching and writing them."""

import gc
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

from libs.common.database.engine import Database
from libs.common.runtime.pool import CpuPool
from services.gateway.features import FEATURES
from services.gateway.rebuilding.past_events import Stored
from services.gateway.rebuilding.shadow_projection import Batch, ShadowProjection
from services.gateway.rebuilding.shadows import shadows_of
from services.gateway.tables import READ_MODELS


class ProjectorPool:
    """Projects chunks in ``workers`` processes, for a rebuild of these tables."""

    def __init__(self, database: Database, names: Sequence[str], workers: int) -> None:
        driver = database.engine.dialect
        url = f"{driver.name}+{driver.driver}://"
        self.ahead = workers + 1
        self._pool = CpuPool(workers, warm_up=_prepare, arguments=(url, tuple(names)))

    async def batches(self, events: Sequence[Stored]) -> list[Batch]:
        """Return what ``events`` write.

        Raises:
            Malformed: An event cannot be read, though it could be when it was handled.
            UnknownVersion: An event was stored by a newer release.
            Unavailable: A worker died.
        """
        return await self._pool.run(_project, events)

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pool.close()


_prepared: list[ShadowProjection] = []
"""What a worker projects with; set when it starts."""


def _prepare(url: str, names: Sequence[str]) -> None:
    """Prepare a worker.

    Events and rows refer to nothing that refers to them, so nothing is left for the collector: it
    took a fifth of a worker's time.
    """
    gc.disable()
    dialect = make_url(url).get_dialect()()
    tables = [table for table in READ_MODELS if table.name in names]
    shadows = shadows_of(tables, sqlite=dialect.name == "sqlite")
    _prepared[:] = [ShadowProjection(FEATURES, shadows, dialect)]


def _project(events: Sequence[Stored]) -> list[Batch]:
    return _prepared[0].batches(events)
