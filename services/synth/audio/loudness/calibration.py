"""The one gain of a voice.

Every segment of a voice gets the same gain, so packets can be cached and loudness never jumps. It
is measured once per engine, voice and rate, on a fixed passage (``calibration_texts``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.audio.codecs.resample import to_book_rate
from services.synth.audio.loudness import bs1770, limiter

TARGET_LUFS = -19.0
MAX_GAIN_DB = 30.0
STEP_DECIMALS = 1
ROUNDS = 3
PAUSE_S = 0.4


@dataclass(frozen=True)
class Calibration:
    """What a voice measured before the gain, and the gain that takes it to the target."""

    gain_db: float
    lufs: float | None
    true_peak_dbtp: float


def gain_db(measured: float | None, target: float = TARGET_LUFS) -> float:
    """Return the gain from ``measured`` to ``target`` LUFS, in steps of 0.1 dB; 0 for silence."""
    if measured is None:
        return 0.0
    wanted = min(MAX_GAIN_DB, max(-MAX_GAIN_DB, target - measured))
    return round(wanted, STEP_DECIMALS)


def calibrate(
    sentences: Iterable[NDArray[np.int16]], rate_hz: int, target: float = TARGET_LUFS
) -> Calibration:
    """Measure a voice on the ``sentences`` of its passage, mono PCM at ``rate_hz``.

    What the limiter takes away is given back, as far as three rounds go.
    """
    spoken = [to_book_rate(sentence, rate_hz) for sentence in sentences]
    before = _measure(spoken)
    found = gain_db(before, target)
    for _ in range(ROUNDS):
        after = _measure(limiter.apply(sentence, found) for sentence in spoken)
        if after is None:
            break
        found = gain_db(target - found - (target - after), target)
    peak = max((limiter.true_peak_dbtp(sentence) for sentence in spoken), default=-np.inf)
    return Calibration(gain_db=found, lufs=before, true_peak_dbtp=float(peak))


def _measure(sentences: Iterable[NDArray[np.int16]]) -> float | None:
    pause = bs1770.silence(PAUSE_S)
    return bs1770.integrated(
        part for sentence in sentences for part in (bs1770.energies(sentence, RATE_HZ), pause)
    )
