"""The job that fetches the web address of a document, so that it is parsed as a file that came.

A page may be another one at every look. What is fetched is stored under a key that nobody else
writes, and recorded with its digest together with the job that parses it, in one transaction that
the lease guards. So all attempts at parsing read the same bytes, also where two workers have
fetched: what the other one stored is read by nobody, and goes with the document.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from libs.common.contracts.details import DETAILS, SubmittedDocument
from libs.common.contracts.documents import DocumentSubmitted
from libs.common.errors import Rejected
from libs.common.processing.job_kind import Job
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.tombstones import unless_deleted
from libs.common.work_folders import work_folder
from services.ingest.jobs import PARSE

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
    fetcher: Fetcher

    async def fetch(self, job: Job[DocumentSubmitted]) -> Sequence[Effect]:
        """Fetch one document and have it parsed. Raises Rejected when it cannot be fetched."""
        event = job.payload
        submitted = await read_details(self.storage, event.details, SubmittedDocument)
        if submitted.url is None:
            raise Rejected("no_source", "The submission names no web address.")
        below = f"documents/{event.document_id}"
        attempt = secrets.token_hex(8)
        with work_folder() as folder:
            filename = await self.fetcher.fetch(submitted.url, folder / "fetched")
            source = await self.storage.write_file(
                f"{below}/source.{attempt}", folder / "fetched", MEDIA_TYPE
            )
        came = submitted.model_copy(update={"object": source, "url": None, "filename": filename})
        details = await self.storage.write(
            f"{below}/fetched.{attempt}.json", came.encode(), DETAILS
        )
        parse = PARSE.new(
            event.model_copy(update={"details": details}),
            subject=str(event.document_id),
            owner=str(event.owner_id),
        )
        return [unless_deleted(parse, str(event.document_id))]
