"""The job that cuts one page: read its text, cut it in a subprocess, store the utterances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from libs.common.effects import Effect
from libs.common.errors import LecternError
from libs.common.events import PageSegmented
from libs.common.pool import CpuPool
from libs.common.storage import Storage, read_verified
from libs.common.worker import Job
from services.segmenter.handlers import SegmentJob
from services.segmenter.page_work import cut_page

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
        body, language, utterances, characters = await self.pool.run(cut, markdown, wanted.language)
        segments = await self.storage.write(
            f"documents/{wanted.document_id}/segments/{wanted.page:05d}.r{wanted.revision}.json",
            body,
            JSON,
        )
        return [
            PageSegmented(
                document_id=wanted.document_id,
                page=wanted.page,
                revision=wanted.revision,
                segments=segments,
                utterances=utterances,
                characters=characters,
                language=language,
            )
        ]


def gave_up(payload: SegmentJob, error: LecternError) -> Sequence[Effect]:
    """Nothing more than ``task.failed``, which names document and page."""
    return []
