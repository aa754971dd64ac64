"""Loudness by ITU-R BS.1770-4, from energies that can be added up across segments.

A segment is reduced to its mean square per 100 ms, after K-weighting. The energies of a page are
those of its segments one after the other, with zeros for the pauses; blocks of 400 ms that overlap
by 75 % are four neighbors, so nothing has to be decoded or filtered again.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from services.synth.audio.resample import FULL_SCALE

Energies = NDArray[np.float32]

HOP_S = 0.1
HOPS_PER_BLOCK = 4
OFFSET_DB = -0.691
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
SILENCE = 1e-12

# The analog prototypes of BS.1770's two filters, from which libebur128 derives them for any rate.
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_BAND_EXPONENT = 0.4996667741545416
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


@lru_cache(maxsize=8)
def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections, shape (2, 6): the high shelf, then the high pass."""
    tangent = math.tan(math.pi * SHELF_HZ / rate_hz)
    high = 10 ** (SHELF_DB / 20)
    band = high**SHELF_BAND_EXPONENT
    square, damped = tangent * tangent, tangent / SHELF_Q
    norm = 1 + damped + square
    shelf = [
        (high + band * damped + square) / norm,
        2 * (square - high) / norm,
        (high - band * damped + square) / norm,
        1.0,
        2 * (square - 1) / norm,
        (1 - damped + square) / norm,
    ]
    tangent = math.tan(math.pi * HIGH_PASS_HZ / rate_hz)
    square, damped = tangent * tangent, tangent / HIGH_PASS_Q
    norm = 1 + damped + square
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (square - 1) / norm, (1 - damped + square) / norm]
    return np.array([shelf, high_pass])


def energies(pcm: NDArray[np.int16], rate_hz: int) -> Energies:
    """Return the K-weighted mean square per 100 ms, full scale being 1; the last one is padded."""
    if not len(pcm):
        return np.zeros(0, np.float32)
    hop = round(rate_hz * HOP_S)
    count = -(-len(pcm) // hop)
    scaled = np.zeros(count * hop, np.float64)
    np.divide(pcm, FULL_SCALE, out=scaled[: len(pcm)])
    weighted = sosfilt(k_weighting(rate_hz), scaled).reshape(count, hop)
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", weighted, weighted)
    return (squares / hop).astype(np.float32)


def silence(duration_s: float) -> Energies:
    """Return the energies of a pause, to be joined with those of the segments around it."""
    return np.zeros(max(0, round(duration_s / HOP_S)), np.float32)


def integrated(parts: Iterable[Energies]) -> float | None:
    """Return the integrated loudness in LUFS; None where nothing passes the absolute gate.

    What is shorter than one block of 400 ms is measured as one block of its own length.
    """
    joined = np.concatenate([np.zeros(0, np.float64), *parts])
    if not len(joined):
        return None
    width = min(HOPS_PER_BLOCK, len(joined))
    blocks = np.convolve(joined, np.full(width, 1 / width), "valid")
    gated = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if not len(gated):
        return None
    threshold = _lufs(gated.mean()) + RELATIVE_GATE_LU
    return float(_lufs(gated[_lufs(gated) > threshold].mean()))


def combined(parts: Iterable[tuple[float, float]]) -> float | None:
    """Return the loudness of (LUFS, seconds) that follow one another.

    Exact where the same share of each passes the gates; pages of one voice differ little.
    """
    weighed = [(10 ** (lufs / 10) * seconds, seconds) for lufs, seconds in parts]
    total = sum(seconds for _, seconds in weighed)
    if total <= 0:
        return None
    return 10 * math.log10(sum(energy for energy, _ in weighed) / total)


def _lufs(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    return OFFSET_DB + 10 * np.log10(energy + SILENCE)
