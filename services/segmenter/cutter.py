"""The job that cuts one page: read its text, cut it in a subprocess, store the utterances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from libs.common.contracts.documents import PageSegmented
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.port import Storage, read_verified
from libs.common.store.effects import Effect
from services.segmenter.cutting.page_task import cut_page
from services.segmenter.jobs import SegmentJob

JSON = "application/json"


@dataclass(frozen=True)
class Cutter:
    """Cuts pages."""

    storage: Storage
    pool: CpuPool
    max_characters: int

    async def segment(self, job: Job[SegmentJob]) -> Sequence[Effect]:
        """Cut one page into utterances."""
        wanted = job.payload
        markdown = (await read_verified(self.storage, wanted.text)).decode()
        cut = partial(cut_page, max_characters=self.max_characters)
        page = await self.pool.run(cut, markdown, wanted.language)
        segments = await self.storage.write(
            f"documents/{wanted.document_id}/segments/{wanted.page:05d}.r{wanted.revision}.json",
            page.body,
            JSON,
        )
        return [
            PageSegmented(
                document_id=wanted.document_id,
                page=wanted.page,
                revision=wanted.revision,
                segments=segments,
                utterances=page.utterances,
                characters=page.characters,
                language=page.language,
            )
        ]
