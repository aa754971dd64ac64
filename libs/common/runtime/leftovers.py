"""What is left is removed at the start, and now and then.

That is what killed processes and deletions left on disks, and rows of events that were handled long
ago.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from libs.common.database.engine import Database
from libs.common.errors import LecternError
from libs.common.observability.metrics import Metrics
from libs.common.storage.port import Storage
from libs.common.store.handled_ids import IDS_AT_ONCE, pack_old
from libs.common.work_folders import remove_left_work_folders

log = structlog.get_logger(__name__)

EVERY_S = 600.0


@dataclass(kw_only=True)
class Leftovers:
    """The loop of one service.

    It removes temporary folders, objects that are half written, and what was deleted from SQLite's
    write-ahead log, where an idle service would keep it. Ids of old events go from the inbox into
    packs, a thousand in a transaction, but where the inbox keeps the events themselves.
    """

    storage: Storage
    database: Database
    service: str
    metrics: Metrics
    keep_events: bool = False
    every_s: float = EVERY_S
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Remove what there is, at once and then now and then, until :meth:`stop` is called."""
        while not self._stopping.is_set():
            await self._remove()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every_s)

    def stop(self) -> None:
        """Begin no further round."""
        self._stopping.set()

    async def _remove(self) -> None:
        """Remove all of it; what cannot be removed keeps nothing else."""
        work_folders = partial(asyncio.to_thread, remove_left_work_folders)
        packing = self._pack_old_events
        for remove in (work_folders, self.storage.remove_leftovers, packing, self._empty_log):
            try:
                await remove()
            except (LecternError, OSError) as error:
                log.warning("leftovers could not be removed", error=type(error).__name__)

    async def _pack_old_events(self) -> None:
        packed = 0 if self.keep_events else IDS_AT_ONCE
        while packed == IDS_AT_ONCE and not self._stopping.is_set():
            async with self.database.transaction() as connection:
                packed = await pack_old(connection, self.service)
            self.metrics.inbox_packed_total.inc(packed)

    async def _empty_log(self) -> None:
        if not await self.database.empty_log():
            log.info("the write-ahead log is in use and is emptied later")
