"""To the one sample rate of a book."""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.engines.port import WordMark

FULL_SCALE = 32768.0


def to_book_rate(pcm: NDArray[np.int16], rate_hz: int) -> NDArray[np.int16]:
    """Resample mono PCM of shape (samples,) to 24 kHz.

    The same input gives the same output, bit for bit: soxr dithers what it rounds to int16 with a
    seed made from the clock, so the rounding is done here.
    """
    if rate_hz == RATE_HZ or not len(pcm):
        return pcm
    scaled = soxr.resample(pcm.astype(np.float32), rate_hz, RATE_HZ)
    return to_int16(scaled)


def to_int16(scaled: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round samples that are already in units of int16, and clip what exceeds it.

    Works in ``scaled``, which is of no use afterwards.
    """
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    return scaled.astype(np.int16)


def marks_to_book_rate(
    words: Sequence[WordMark], rate_hz: int, samples: int
) -> tuple[WordMark, ...]:
    """Move word marks to 24 kHz, none beyond the end of a segment of ``samples``."""
    return tuple(
        WordMark(word.start, word.end, min(round(word.sample * RATE_HZ / rate_hz), samples))
        for word in words
    )
