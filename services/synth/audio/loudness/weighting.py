"""K-weighting by ITU-R BS.1770-4, in blocks.

A recursive filter waits for one sample before it can begin the next. Its output over a block is a
sum of what the block itself brings and of what it remembers from before, in the form of one complex
number per pair of poles; both are products with fixed matrices. Only the memory is carried on, and
that by adding long arrays, as it fades within some dozens of blocks.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.synth.audio.codecs.resample import FULL_SCALE

# Longer blocks cost more in products, shorter ones more in carrying on; this measured best.
BLOCK = 32
# From 2 ** 18 multiplications on, OpenBLAS wakes its threads for a product, which then spin on
# every core while the encoder works.
MULTIPLICATIONS = 1 << 18
FORGOTTEN = 1e-8

# The analog prototypes of BS.1770's two filters, from which libebur128 derives them for any rate.
SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_BAND_EXPONENT = 0.4996667741545416
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The filter in blocks.

    ``memory``: from the samples of a block to what each pair of poles remembers of it, real and
    imaginary part, shape (BLOCK, 2 * pairs). ``decay``: what is left of a memory after a block, per
    pair. ``output``: from samples and memory to the filtered block, (BLOCK + 2 * pairs, BLOCK).
    """

    memory: Matrix
    decay: NDArray[np.complex128]
    output: Matrix


def weighted(pcm: NDArray[np.int16], rate_hz: int, length: int) -> Matrix:
    """Filter ``pcm``, full scale becoming 1, and the silence that makes it ``length`` samples."""
    how = _blocks(rate_hz)
    count = -(-length // BLOCK)
    inputs = np.empty((count, len(how.output)), np.float32)
    whole = len(pcm) // BLOCK
    inputs[:whole, :BLOCK] = pcm[: whole * BLOCK].reshape(whole, BLOCK)
    inputs[whole:, :BLOCK] = 0
    if whole < count:
        inputs[whole, : len(pcm) % BLOCK] = pcm[whole * BLOCK :]
    brought = _product(inputs[:, :BLOCK], how.memory).view(np.complex64)
    remembered = inputs[:, BLOCK:].view(np.complex64)
    remembered[:1] = 0
    for pair, decay in enumerate(how.decay):
        remembered[1:, pair] = _added_up(brought[:-1, pair].copy(), decay)
    return _product(inputs, how.output).reshape(-1)[:length]


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


@lru_cache(maxsize=8)
def _blocks(rate_hz: int) -> _Blocks:
    gain, poles, residues = _partial_fractions(k_weighting(rate_hz))
    places = np.arange(BLOCK)
    kept = poles[:, None] ** places[::-1]
    # A pair of conjugate poles gives twice the real part of what one of them gives.
    given = 2 * residues[:, None] * poles[:, None] ** (places + 1)
    response = np.concatenate(([gain], given.real.sum(axis=0)))
    later = places[None] - places[:, None]
    within = np.where(later >= 0, response[np.maximum(later, 0)], 0)
    from_memory = np.stack([given.real, -given.imag], 1).reshape(-1, BLOCK)
    memory = np.stack([kept.real, kept.imag], 1).reshape(-1, BLOCK).T / FULL_SCALE
    return _Blocks(
        memory=np.ascontiguousarray(memory, np.float32),
        decay=poles**BLOCK,
        output=np.vstack([within / FULL_SCALE, from_memory]).astype(np.float32),
    )


def _partial_fractions(
    sections: NDArray[np.float64],
) -> tuple[float, NDArray[np.complex128], NDArray[np.complex128]]:
    """Return what passes at once, one pole of each conjugate pair, and its residue.

    From the roots, not from the coefficients: the two poles of the high pass almost coincide.
    """
    zeros, poles = (
        np.concatenate([np.roots(section) for section in half]).astype(np.complex128)
        for half in np.split(sections, 2, axis=1)
    )
    gain = float((sections[:, 0] / sections[:, 3]).prod())
    apart = 1 - poles / poles[:, None]
    np.fill_diagonal(apart, 1)
    residues = gain * (1 - zeros / poles[:, None]).prod(axis=1) / apart.prod(axis=1)
    upper = poles.imag > 0
    return gain, poles[upper], residues[upper]


def _added_up(memory: NDArray[np.complex64], decay: complex) -> NDArray[np.complex64]:
    """Add to what each block brings what is left of all before it, in ``memory`` itself.

    First of one block before, then of two more, then of four more, until nothing is left of it.
    """
    step = 1
    while step < len(memory) and abs(decay) > FORGOTTEN:
        memory[step:] += np.complex64(decay) * memory[:-step]
        step, decay = 2 * step, decay * decay
    return memory


def _product(rows: Matrix, matrix: Matrix) -> Matrix:
    """Multiply, so many rows at a time that it stays in this thread."""
    product = np.empty((len(rows), matrix.shape[1]), np.float32)
    step = MULTIPLICATIONS // matrix.size
    for start in range(0, len(rows), step):
        np.matmul(rows[start : start + step], matrix, out=product[start : start + step])
    return product
