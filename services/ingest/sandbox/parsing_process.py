"""One document that is being read, as the service sees it: the frames of its process."""

from collections.abc import AsyncIterator
from time import monotonic

from services.ingest.pages.document import Item
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sandbox import payloads
from services.ingest.sandbox.forked_process import EndedWithoutResult, ForkedProcess
from services.ingest.sandbox.frames import Frame


class ParsingProcess:
    """Waits for the frames of ``process`` for ``wall_seconds`` in all."""

    def __init__(self, process: ForkedProcess, wall_seconds: float) -> None:
        self._process = process
        self._left = wall_seconds

    async def items(self) -> AsyncIterator[Item]:
        """Yield what the child finds; raise what it ends with, if that is not metadata."""
        cover: bytes | None = None
        await self._process.started()
        while True:
            kind, payload = await self._frame()
            try:
                match kind:
                    case Frame.COVER:
                        cover = payload
                        continue
                    case Frame.PAGE:
                        item: Item = payloads.page(payload)
                    case _:
                        item = payloads.metadata(payload, cover)
            except ValueError as error:
                raise rejected(Reason.UNREADABLE) from error
            yield item
            if kind is Frame.METADATA:
                return

    async def _frame(self) -> tuple[Frame, bytes]:
        began = monotonic()
        try:
            found = await self._process.frame(max(self._left, 0.0))
        except TimeoutError:
            raise rejected(Reason.TOO_SLOW) from None
        except EndedWithoutResult as died:
            raise died.rejection() from died
        self._left -= monotonic() - began
        return found
