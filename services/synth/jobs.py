"""The long work of synth, declared: see speaking.py and binding.py for how it is done."""

from collections.abc import Sequence

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookRequested,
    AudioFailed,
    AudioRequested,
)
from libs.common.errors import LecternError
from libs.common.processing.job_kind import JobKind
from libs.common.store.effects import Effect


def audio_failed(asked: AudioRequested, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audio."""
    return [
        AudioFailed(
            document_id=asked.document_id,
            audio_id=asked.audio_id,
            page=asked.page,
            code=error.code,
            reason=str(error),
        )
    ]


def audiobook_failed(asked: AudiobookRequested, error: LecternError) -> Sequence[Effect]:
    """Tell the one who asked why there is no audiobook."""
    return [
        AudiobookFailed(
            document_id=asked.document_id,
            audiobook_id=asked.audiobook_id,
            code=error.code,
            reason=str(error),
        )
    ]


SPEAK = JobKind("speak", AudioRequested, audio_failed)
"""Speak one page."""

BIND = JobKind("bind", AudiobookRequested, audiobook_failed)
"""Make one audiobook of page audios."""
