"""The long work of synth, declared: see speaking.py and binding.py for how it is done."""

from collections.abc import Sequence

from pydantic import BaseModel

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookRequested,
    AudioFailed,
    AudioRequested,
)
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits
from libs.common.store.effects import Effect


class EvictJob(BaseModel):
    """Remove the segments that were used least recently, until the others are within the limit."""


def audio_failed(asked: AudioRequested, reason: GivenUp) -> Sequence[Effect]:
    """Tell the one who asked why there is no audio."""
    return [
        AudioFailed(
            document_id=asked.document_id,
            owner_id=asked.owner_id,
            requested_by=asked.requested_by,
            audio_id=asked.audio_id,
            page=asked.page,
            code=reason.code,
            details=reason.details,
        )
    ]


def audiobook_failed(asked: AudiobookRequested, reason: GivenUp) -> Sequence[Effect]:
    """Tell the one who asked why there is no audiobook."""
    return [
        AudiobookFailed(
            document_id=asked.document_id,
            owner_id=asked.owner_id,
            requested_by=asked.requested_by,
            audiobook_id=asked.audiobook_id,
            narration_id=asked.narration_id,
            code=reason.code,
            details=reason.details,
        )
    ]


SPEAK = JobKind(
    name="speak",
    payload=AudioRequested,
    limits=TimeLimits(soft_s=3600, hard_s=3660),
    gave_up=audio_failed,
)
"""Speak one page."""

BIND = JobKind(
    name="bind",
    payload=AudiobookRequested,
    limits=TimeLimits(soft_s=3600, hard_s=3660),
    gave_up=audiobook_failed,
)
"""Make one audiobook of page audios."""

EVICT = JobKind(name="evict", payload=EvictJob, limits=TimeLimits(soft_s=900, hard_s=960))
"""Keep the segment cache within its limit."""
