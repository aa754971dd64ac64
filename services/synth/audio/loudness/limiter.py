"""A fixed gain, and a limiter that touches nothing but peaks.

The gain of a voice is the same for all its segments, so loudness never jumps between them. Where a
true peak would exceed the ceiling, the gain dips smoothly around it: the deepest reduction within
reach is held and then averaged over a raised cosine, so the dip is down before the peak comes and
longer than a pitch period, which keeps it from distorting the voice. A segment without such a peak
costs one multiplication.

True peaks are estimated as in BS.1770-4 Annex 2, by four-fold oversampling, but only where a sample
is within 3 dB of the ceiling: more than that the peak between two samples of a full-scale tone
exceeds them only above a quarter of the sample rate (same annex, attachment 1), 6 kHz here.
"""

from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.synth.audio.codecs.resample import FULL_SCALE, to_int16

CEILING_DBTP = -3.0
# Lossy coding adds noise to a peak; what comes out of a decoder must keep the ceiling, too.
CODING_MARGIN_DB = 0.7
BETWEEN_SAMPLES_DB = 3.0
BLOCK = 24
REACH_BLOCKS = 20
OVERSAMPLING = 4
TAPS = 12

Samples = NDArray[np.float32]
T = TypeVar("T", bound=NDArray[Any])


def apply(
    pcm: NDArray[np.int16], gain_db: float, ceiling_dbtp: float = CEILING_DBTP - CODING_MARGIN_DB
) -> NDArray[np.int16]:
    """Amplify mono 24 kHz PCM by ``gain_db``, keeping true peaks under ``ceiling_dbtp``.

    Depends on nothing but its arguments, so equal segments stay equal, bit for bit.
    """
    if not len(pcm):
        return pcm
    padded = _padded(pcm)
    gain = np.float32(10 ** (gain_db / 20))
    ceiling = np.float32(FULL_SCALE * 10 ** (ceiling_dbtp / 20))
    peaks = _block_peaks(padded, gain, ceiling)
    samples: Samples = np.multiply(padded, gain, dtype=np.float32)
    if peaks.max() > ceiling:
        _dip(samples, np.minimum(1.0, ceiling / np.maximum(peaks, 1.0)))
    return to_int16(samples[BLOCK : BLOCK + len(pcm)])


def true_peak_dbtp(pcm: NDArray[np.int16]) -> float:
    """Estimate the true peak of a segment, in dB relative to full scale."""
    if not len(pcm):
        return -np.inf
    padded = _padded(pcm)
    peak = _block_peaks(padded, np.float32(1), np.float32(_magnitudes(padded).max())).max()
    return float(20 * np.log10(max(peak, 1e-3) / FULL_SCALE))


def _padded(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Fill the last block up, and put one of silence before the first and after the last."""
    count = -(-len(pcm) // BLOCK)
    padded = np.empty((count + 2) * BLOCK, np.int16)
    padded[:BLOCK] = 0
    padded[BLOCK : BLOCK + len(pcm)] = pcm
    padded[BLOCK + len(pcm) :] = 0
    return padded


def _block_peaks(padded: NDArray[np.int16], gain: np.float32, ceiling: np.float32) -> Samples:
    """Return the peak of each millisecond; between samples only where that could matter."""
    peaks: Samples = _loudest(padded[BLOCK:-BLOCK]) * gain
    [hot] = np.nonzero(peaks > ceiling * np.float32(10 ** (-BETWEEN_SAMPLES_DB / 20)))
    if len(hot):
        first = BLOCK - TAPS // 2
        places = np.arange(first, first + BLOCK + TAPS)[:, None] + hot * BLOCK
        around = np.multiply(padded.take(places), gain, dtype=np.float32)
        peaks[hot] = np.maximum(peaks[hot], _between(around))
    return peaks


def _loudest(pcm: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Return the greatest magnitude in each block of whole blocks.

    A third at first: three of them can be picked out and compared sooner than a whole.
    """
    greatest = _of_neighbors(np.maximum, _magnitudes(pcm), BLOCK // 3)
    thirds = [greatest[start::BLOCK] for start in range(0, BLOCK, BLOCK // 3)]
    return reduce(np.maximum, thirds)


def _of_neighbors(choose: np.ufunc, values: T, count: int) -> T:
    """Return the least or greatest of each value and the ``count - 1`` that follow it.

    NumPy reduces short rows one by one, but compares two long arrays many values at a time.
    """
    covered = 1
    while covered < count:
        step = min(covered, count - covered)
        values = choose(values[:-step], values[step:])
        covered += step
    return values


def _magnitudes(pcm: NDArray[np.int16]) -> NDArray[np.uint16]:
    """The least int16 has no positive counterpart, but as an unsigned number it is right."""
    return np.abs(pcm).view(np.uint16)


def _dip(samples: Samples, wanted: Samples) -> None:
    """Lower padded ``samples`` by a smooth gain, nowhere above ``wanted``, the gain per block."""
    # Held for one block more than it is averaged over, so that the lines from the middle of a block
    # to those of its neighbors stay under what the block wants.
    reach = REACH_BLOCKS + 1
    held = _of_neighbors(np.minimum, _edged(wanted, reach), 2 * reach + 1)
    smooth = np.convolve(_edged(held, REACH_BLOCKS), _raised_cosine(), "valid")
    middles = _edged(smooth.astype(np.float32), 1)
    [low] = np.nonzero(np.minimum(middles[:-1], middles[1:]) < 1)
    ramp = (np.arange(BLOCK, dtype=np.float32) + np.float32(0.5)) / BLOCK
    rising = ramp[:, None] * (middles[low + 1] - middles[low])
    rising += middles[low]
    lines = np.ascontiguousarray(rising.T)
    # Lines go from middle to middle, so they are half a block off.
    between_middles = samples[BLOCK // 2 : -BLOCK // 2].reshape(-1, BLOCK)
    bounds = np.flatnonzero(np.diff(low) > 1) + 1
    for start, end in pairwise((0, *bounds.tolist(), len(low))):
        between_middles[low[start] : low[start] + end - start] *= lines[start:end]


def _edged(values: Samples, count: int) -> Samples:
    """Repeat the first and the last value ``count`` times; ``np.pad`` takes ten times as long."""
    return np.concatenate((np.repeat(values[:1], count), values, np.repeat(values[-1:], count)))


@lru_cache(maxsize=1)
def _raised_cosine() -> NDArray[np.float64]:
    cosine: NDArray[np.float64] = np.hanning(2 * REACH_BLOCKS + 3)[1:-1]
    cosine /= cosine.sum()
    return cosine


def _between(windows: Samples) -> Samples:
    """Return the peak between the samples of each block.

    ``windows``: shape (BLOCK + TAPS, blocks), half of TAPS from before each block and half after.
    Written as sums, not as a matrix product: NumPy would wake the threads of its BLAS for that,
    which then spin on every core while the encoder works.
    """
    peaks = np.zeros(windows.shape[1], np.float32)
    points, summand = np.empty((2, BLOCK, windows.shape[1]), np.float32)
    for taps in _interpolation():
        points[:] = 0
        for place, tap in enumerate(taps, 1):
            np.multiply(windows[place : place + BLOCK], tap, out=summand)
            points += summand
        np.abs(points, out=points)
        np.maximum(peaks, points.max(axis=0), out=peaks)
    return peaks


@lru_cache(maxsize=1)
def _interpolation() -> Samples:
    """Taps for the points between two samples: a windowed sinc, shape (OVERSAMPLING - 1, TAPS)."""
    shifts = np.arange(1, OVERSAMPLING)[:, None] / OVERSAMPLING
    offsets = np.arange(TAPS)[None] - (TAPS // 2 - 1) - shifts
    taps = np.sinc(offsets) * np.cos(np.pi * offsets / (TAPS + 1)) ** 2
    normalized: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized
