"""The job that cuts one page: read its text, cut it in a subprocess, store the utterances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from libs.common.contracts.details import DETAILS, PageText
from libs.common.contracts.documents import PageSegmented
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from services.segmenter.cutting.page_task import cut_page
from services.segmenter.jobs import SegmentJob


@dataclass(frozen=True)
class Cutter:
    """Cuts pages."""

    storage: Storage
    pool: CpuPool
    max_characters: int

    async def segment(self, job: Job[SegmentJob]) -> Sequence[Effect]:
        """Cut one page into utterances."""
        wanted = job.payload
        text = await read_details(self.storage, wanted.text, PageText)
        cut = partial(cut_page, max_characters=self.max_characters)
        page = await self.pool.run(cut, text, wanted.language)
        segments = await self.storage.write(
            f"documents/{wanted.document_id}/segments/{wanted.page:05d}.r{wanted.revision}.json",
            page.body,
            DETAILS,
        )
        return [
            PageSegmented(
                document_id=wanted.document_id,
                owner_id=wanted.owner_id,
                page=wanted.page,
                revision=wanted.revision,
                segmented_page=segments,
                utterance_count=page.utterances,
                characters=page.characters,
                language=page.language,
            )
        ]
