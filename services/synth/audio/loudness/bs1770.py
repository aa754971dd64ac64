"""Loudness by ITU-R BS.1770-4, from energies that can be added up across segments.

A segment is reduced to its mean square per 100 ms, after K-weighting. The energies of a page are
those of its segments one after the other, with zeros for the pauses; blocks of 400 ms that overlap
by 75 % are four neighbors, so nothing has to be decoded or filtered again.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.synth.audio.loudness.weighting import weighted

Energies = NDArray[np.float32]

HOP_S = 0.1
HOPS_PER_BLOCK = 4
OFFSET_DB = -0.691
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
SILENCE = 1e-12


def energies(pcm: NDArray[np.int16], rate_hz: int) -> Energies:
    """Return the K-weighted mean square per 100 ms, full scale being 1; the last one is padded."""
    if not len(pcm):
        return np.zeros(0, np.float32)
    hop = round(rate_hz * HOP_S)
    count = -(-len(pcm) // hop)
    hops = weighted(pcm, rate_hz, count * hop).reshape(count, hop)
    squares: Energies = np.einsum("ij,ij->i", hops, hops)
    return squares / np.float32(hop)


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
