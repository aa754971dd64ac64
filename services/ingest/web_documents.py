"""The job that fetches the web address of a document, so that it is parsed as a file that came.

A page may be another one at every look. What is fetched is stored under a key that nobody else
writes, and recorded with its digest together with the job that parses it, in one transaction that
the lease guards. So all attempts at parsing read the same bytes, also where two workers have
fetched: what the other one stored is read by nobody, and goes with the document.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, SubmittedDocument
from libs.common.contracts.documents import PageExtracted
from libs.common.errors import Rejected
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.history import History
from libs.common.store.tombstones import unless_deleted
from libs.common.work_folders import work_folder
from services.ingest.jobs import PARSE, ReadJob

MEDIA_TYPE = "application/octet-stream"


class Fetcher(Protocol):
    """Downloads a web address to a file."""

    async def fetch(self, url: str, path: Path) -> str | None:
        """Store what ``url`` answers at ``path``; return a filename if it has one."""
        ...


@dataclass(frozen=True, kw_only=True)
class WebDocuments:
    """Fetches documents."""

    storage: Storage
    history: History
    fetcher: Fetcher

    async def fetch(self, job: Job[ReadJob]) -> Sequence[Effect]:
        """Fetch one document and have it parsed. Raises Rejected when it cannot be fetched.

        A later attempt fetches it again as long as no page of it was announced: pages of what was
        fetched before, and of what the address says now, would make a document that never was.
        """
        asked = job.payload
        details = await self._fetched_before(asked) if asked.attempt > 1 else None
        if details is None:
            details = await self._fetch(asked)
        parse = PARSE.new(
            asked.model_copy(update={"details": details}),
            subject=str(asked.document_id),
            owner=str(asked.owner_id),
        )
        return [unless_deleted(parse, str(asked.document_id))]

    async def _fetched_before(self, asked: ReadJob) -> ObjectRef | None:
        """Return what an earlier attempt has announced pages of, if any has."""
        stream = PageExtracted.stream_of(document_id=asked.document_id)
        if not await self.history.of(stream, PageExtracted):
            return None
        below = f"documents/{asked.document_id}/fetched."
        fetched = [key async for key in self.storage.keys(below)]
        if len(fetched) != 1:  # of two workers that fetched, nobody knows whose was parsed
            raise Rejected(
                "fetched_twice",
                "It is not known which version of the page was read before; hand it in again.",
            )
        stored = await self.storage.read(fetched[0])
        return ObjectRef(
            key=fetched[0], sha256=sha256(stored).hexdigest(), size=len(stored), media_type=DETAILS
        )

    async def _fetch(self, asked: ReadJob) -> ObjectRef:
        submitted = await read_details(self.storage, asked.details, SubmittedDocument)
        if submitted.url is None:
            raise Rejected("no_source", "The submission names no web address.")
        below = f"documents/{asked.document_id}"
        attempt = secrets.token_hex(8)
        with work_folder() as folder:
            filename = await self.fetcher.fetch(submitted.url, folder / "fetched")
            source = await self.storage.write_file(
                f"{below}/source.{attempt}", folder / "fetched", MEDIA_TYPE
            )
        came = submitted.model_copy(update={"object": source, "url": None, "filename": filename})
        return await self.storage.write(f"{below}/fetched.{attempt}.json", came.encode(), DETAILS)
