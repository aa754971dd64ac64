"""Reads untrusted files in processes of their own, with limits, and streams what they say.

``async with ConfinedParser(limits) as parser`` starts the zygote (see that module) and stops it at
the end; :meth:`ConfinedParser.parse` starts it again if it died. One parser serves any number of
documents at a time. Memory is bounded: a process that is ahead of its reader waits, because its
pipe is full.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Self

from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from services.ingest.pages.document import Item
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.fork_client import ForkClient
from services.ingest.sandbox.parsing_process import ParsingProcess
from services.ingest.sandbox.server_process import ZYGOTE


class ConfinedParser:
    """Parses documents in child processes. Has the same shape as any other parser.

    Where ``required``, it reads nothing as long as a layer of the sandbox is missing.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        required: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.client = ForkClient("parser", ZYGOTE, required=required, metrics=metrics)

    async def __aenter__(self) -> Self:
        """Start the zygote; documents may be given to it while it still loads."""
        await self.client.__aenter__()
        await self.client.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the zygote and every document that is being read."""
        await self.client.__aexit__(kind, error, traceback)

    async def prepare(self) -> None:
        """Return once documents can be read.

        Raises:
            Unavailable: the zygote did not start, or a layer is missing that is required.
        """
        await self.client.prepare()

    async def check(self) -> str | None:
        """Return what is missing of the sandbox, as a sentence for the health page.

        Raises:
            Unavailable: as :meth:`prepare`, or the zygote has not said it yet.
        """
        if not self.client.told:
            raise Unavailable("the parser is starting")
        return self.client.check()

    async def parse(
        self, path: Path, filename: str | None = None, limits: Limits | None = None
    ) -> AsyncGenerator[Item, None]:
        """Yield the pages of a document as they are read, then its metadata.

        ``limits`` replace those of the parser for this document. The wall clock only runs while
        the child is waited for, not while the caller works on a page.

        Raises:
            Rejected: the document cannot be read, or not within the limits.
            Transient: the zygote died, or the machine failed; nothing is known of the document.
            FileNotFoundError: there is no file at ``path``.
        """
        limits = limits or self.limits
        document = await asyncio.to_thread(os.open, path, os.O_RDONLY)
        try:
            process = await self.client.fork(document, {"filename": filename}, limits)
        finally:
            os.close(document)
        try:
            async for item in ParsingProcess(process, limits.wall_seconds).items():
                yield item
        finally:
            process.end()
