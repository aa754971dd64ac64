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

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

from services.synth.audio.resample import FULL_SCALE, to_int16

CEILING_DBTP = -3.0
# Lossy coding adds noise to a peak; what comes out of a decoder must keep the ceiling, too.
CODING_MARGIN_DB = 0.7
BETWEEN_SAMPLES_DB = 3.0
BLOCK = 24
REACH_BLOCKS = 20
OVERSAMPLING = 4
TAPS = 12

Samples = NDArray[np.float32]


def apply(
    pcm: NDArray[np.int16], gain_db: float, ceiling_dbtp: float = CEILING_DBTP - CODING_MARGIN_DB
) -> NDArray[np.int16]:
    """Amplify mono 24 kHz PCM by ``gain_db``, keeping true peaks under ``ceiling_dbtp``.

    Depends on nothing but its arguments, so equal segments stay equal, bit for bit.
    """
    if not len(pcm):
        return pcm
    samples = pcm.astype(np.float32)
    samples *= np.float32(10 ** (gain_db / 20))
    ceiling = np.float32(FULL_SCALE * 10 ** (ceiling_dbtp / 20))
    peaks = _block_peaks(samples, ceiling)
    if peaks.max() > ceiling:
        samples *= _dips(np.minimum(1.0, ceiling / np.maximum(peaks, 1.0)), len(samples))
    return to_int16(samples)


def true_peak_dbtp(pcm: NDArray[np.int16]) -> float:
    """Estimate the true peak of a segment, in dB relative to full scale."""
    if not len(pcm):
        return -np.inf
    samples = pcm.astype(np.float32)
    peak = _block_peaks(samples, np.abs(samples).max()).max()
    return float(20 * np.log10(max(peak, 1e-3) / FULL_SCALE))


def _block_peaks(samples: Samples, ceiling: np.float32) -> Samples:
    """Return the peak of each millisecond; between samples only where that could matter."""
    count = -(-len(samples) // BLOCK)
    padded = np.zeros(count * BLOCK + TAPS, np.float32)
    padded[TAPS // 2 : TAPS // 2 + len(samples)] = samples
    inner = padded[TAPS // 2 : TAPS // 2 + count * BLOCK].reshape(count, BLOCK)
    peaks: Samples = np.maximum(inner.max(axis=1), -inner.min(axis=1))
    [hot] = np.nonzero(peaks > ceiling * np.float32(10 ** (-BETWEEN_SAMPLES_DB / 20)))
    if len(hot):
        windows = sliding_window_view(padded, BLOCK + TAPS)[hot * BLOCK]
        peaks[hot] = np.maximum(peaks[hot], _between(windows))
    return peaks


def _dips(wanted: Samples, length: int) -> Samples:
    """Return a smooth gain per sample that is nowhere above ``wanted``, the gain per block."""
    held = minimum_filter1d(wanted, 2 * (REACH_BLOCKS + 1) + 1, mode="nearest")
    cosine = np.hanning(2 * REACH_BLOCKS + 3)[1:-1]
    edged = np.pad(held, REACH_BLOCKS, mode="edge")
    smooth = np.convolve(edged, cosine / cosine.sum(), "valid")
    # Held for one block more than it is averaged over, so that the lines from the middle of a block
    # to those of its neighbors stay under what the block wants.
    middles: Samples = np.pad(smooth, 1, mode="edge").astype(np.float32)
    ramp = ((np.arange(BLOCK, dtype=np.float32) + np.float32(0.5)) / BLOCK)[None]
    rises: Samples = middles[1:] - middles[:-1]
    lines: Samples = np.add(middles[:-1, None], rises[:, None] * ramp, dtype=np.float32)
    half = BLOCK // 2
    return lines.reshape(-1)[half : half + length]


def _between(windows: Samples) -> Samples:
    """Return the peak between the samples of each block; ``windows`` has TAPS more around them.

    Written as sums, not as a matrix product: NumPy would wake the threads of its BLAS for that,
    which then spin on every core while the encoder works.
    """
    peaks = np.zeros(len(windows), np.float32)
    for taps in _interpolation():
        points = np.zeros((len(windows), BLOCK), np.float32)
        for place, tap in enumerate(taps):
            points += windows[:, place + 1 : place + 1 + BLOCK] * tap
        np.maximum(peaks, np.abs(points).max(axis=1), out=peaks)
    return peaks


@lru_cache(maxsize=1)
def _interpolation() -> Samples:
    """Taps for the points between two samples: a windowed sinc, shape (OVERSAMPLING - 1, TAPS)."""
    shifts = np.arange(1, OVERSAMPLING)[:, None] / OVERSAMPLING
    offsets = np.arange(TAPS)[None] - (TAPS // 2 - 1) - shifts
    taps = np.sinc(offsets) * np.cos(np.pi * offsets / (TAPS + 1)) ** 2
    normalized: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized
