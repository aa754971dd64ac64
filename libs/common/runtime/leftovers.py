"""What killed processes left on disks is removed at the start, and now and then."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from libs.common.errors import LecternError
from libs.common.storage.port import Storage
from libs.common.work_folders import remove_left_work_folders

log = structlog.get_logger(__name__)

EVERY_S = 600.0


@dataclass(kw_only=True)
class Leftovers:
    """The loop of one service: temporary folders, and objects that are half written."""

    storage: Storage
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
        try:
            await asyncio.to_thread(remove_left_work_folders)
            await self.storage.remove_leftovers()
        except (LecternError, OSError) as error:
            log.warning("leftovers could not be removed", error=type(error).__name__)
