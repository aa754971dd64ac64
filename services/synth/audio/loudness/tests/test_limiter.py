import numpy as np
import pytest
from scipy.signal import resample_poly

from services.synth.audio.codecs.resample import FULL_SCALE
from services.synth.audio.loudness import limiter
from services.synth.audio.tests.signals import speech_like


def peak_dbtp(pcm) -> float:
    """True peak by eight-fold oversampling."""
    return float(20 * np.log10(np.abs(resample_poly(pcm / 32768, 8, 1)).max()))


def plainly_limited(pcm, gain_db, ceiling_dbtp):
    """The same limiter, block by block, for every sample, whether it could matter or not."""
    gain, ceiling = (
        np.float32(factor)
        for factor in (10 ** (gain_db / 20), FULL_SCALE * 10 ** (ceiling_dbtp / 20))
    )
    count = -(-len(pcm) // limiter.BLOCK)
    samples = np.zeros(count * limiter.BLOCK, np.float32)
    samples[: len(pcm)] = pcm * gain
    peaks = plain_peaks(samples, ceiling * np.float32(10 ** (-3 / 20)))
    wanted = np.minimum(1, ceiling / np.maximum(peaks, 1)).astype(np.float32)
    reach = limiter.REACH_BLOCKS + 1
    held = [wanted[max(0, at - reach) : at + reach + 1].min() for at in range(count)]
    cosine = np.hanning(2 * reach + 1)[1:-1]
    around = np.pad(np.array(held, np.float64), limiter.REACH_BLOCKS, mode="edge")
    middles = np.convolve(around, cosine / cosine.sum(), "valid").astype(np.float32)
    gains = np.empty((count + 1, limiter.BLOCK), np.float32)
    for at, row in enumerate(gains):
        before, after = middles[max(at - 1, 0)], middles[min(at, count - 1)]
        for place in range(limiter.BLOCK):
            row[place] = before + (after - before) * np.float32((place + 0.5) / limiter.BLOCK)
    half = limiter.BLOCK // 2
    limited = np.rint(samples * gains.ravel()[half : half + len(samples)])
    return np.clip(limited, -32768, 32767).astype(np.int16)[: len(pcm)]


def plain_peaks(samples, threshold):
    """Peak of each block, between its samples too where one exceeds ``threshold``."""
    before = limiter.TAPS // 2
    padded = np.pad(samples, before)
    peaks = np.abs(samples.reshape(-1, limiter.BLOCK)).max(axis=1)
    for at in np.flatnonzero(peaks > threshold):
        for taps in limiter._interpolation():
            for sample in range(at * limiter.BLOCK, (at + 1) * limiter.BLOCK):
                point = np.float32(0)
                for place, tap in enumerate(taps, 1):
                    point += padded[sample + place] * tap
                peaks[at] = max(peaks[at], abs(point))
    return peaks


def rough(kind, rng):
    """Noise, lone clicks, the most negative sample, or a high tone."""
    length = int(rng.integers(1, 6000))
    if kind == "noise":
        return rng.integers(-32_768, 32_768, length).astype(np.int16)
    if kind == "clicks":
        hum = rng.integers(-4000, 4000, length)
        clicks = rng.random(length) < 0.0007
        return np.where(clicks, rng.integers(-32_768, 32_768, length), hum).astype(np.int16)
    if kind == "least":
        return np.full(length, -32_768, np.int16)
    level = rng.uniform(8_000, 24_000)
    return np.rint(level * np.sin(np.pi * (np.arange(length) / 2 + 0.25))).astype(np.int16)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["noise", "clicks", "least", "tones"])
def test_looking_only_where_it_matters_changes_nothing(kind):
    rng = np.random.default_rng(7)
    for _ in range(12):
        pcm, gain_db, ceiling = rough(kind, rng), rng.uniform(0, 6), rng.uniform(-8, 0)
        assert np.array_equal(
            limiter.apply(pcm, gain_db, ceiling), plainly_limited(pcm, gain_db, ceiling)
        )


@pytest.mark.parametrize("over", [1.005, 1.03, 1.1, 1.3])
def test_a_peak_that_no_sample_shows_is_limited(over):
    """Between the samples of a quarter-rate tone, all of them 3 dB lower."""
    level = over * FULL_SCALE * 10 ** (-3 / 20)
    pcm = np.rint(level * np.sin(np.pi * (np.arange(2400) / 2 + 0.25))).astype(np.int16)
    limited = limiter.apply(pcm, 0.0, -3.0)
    assert np.abs(limited[600:-600]).max() <= np.abs(pcm).max() / over * 1.005
    assert np.array_equal(limited, plainly_limited(pcm, 0.0, -3.0))


def test_peaks_of_blocks_are_those_of_their_samples():
    rng = np.random.default_rng(3)
    for blocks in (1, 2, 50):
        pcm = rng.integers(-32_768, 32_768, blocks * limiter.BLOCK).astype(np.int16)
        magnitudes = np.abs(pcm.astype(int)).reshape(blocks, -1)
        assert limiter._loudest(pcm).tolist() == magnitudes.max(axis=1).tolist()


def test_without_peaks_it_is_only_a_gain():
    pcm = speech_like(2.0, peak=5000)
    wanted = np.rint(pcm.astype(np.float32) * np.float32(10 ** (6 / 20)))
    assert np.array_equal(limiter.apply(pcm, 6.0), wanted)
    assert np.array_equal(limiter.apply(pcm, 0.0), pcm)


@pytest.mark.parametrize("gain_db", [3.0, 8.0, 15.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_true_peaks_stay_under_the_ceiling(gain_db, seed):
    pcm = speech_like(2.0, seed, peak=20_000)
    assert peak_dbtp(limiter.apply(pcm, gain_db, -3.0)) <= -2.9


def test_only_the_surroundings_of_a_peak_are_touched():
    pcm = speech_like(2.0, peak=8000).copy()
    pcm[24_000] = 32_000
    limited = limiter.apply(pcm, 0.0, -3.0)
    reach = (2 * limiter.REACH_BLOCKS + 4) * limiter.BLOCK
    assert np.array_equal(limited[: 24_000 - reach], pcm[: 24_000 - reach])
    assert np.array_equal(limited[24_000 + reach :], pcm[24_000 + reach :])
    assert abs(int(limited[24_000])) <= 32_768 * 10 ** (-3 / 20) + 1


def test_the_gain_moves_gently():
    pcm = np.full(24_000, 8000, np.int16)
    pcm[12_000] = 32_000
    gains = limiter.apply(pcm, 0.0, -3.0) / pcm
    assert np.abs(np.diff(np.delete(gains, 12_000))).max() < 0.002


def test_peaks_at_the_edges_are_caught():
    pcm = np.zeros(1000, np.int16)
    pcm[0], pcm[-1] = 32_767, -32_768
    assert np.abs(limiter.apply(pcm, 6.0, -3.0).astype(int)).max() <= 32_768 * 10 ** (-3 / 20) + 1


def test_peak_between_samples_is_seen():
    """A quarter-rate tone sampled at 45 degrees peaks 3 dB above its samples."""
    angle = np.pi / 2 * np.arange(2400) + np.pi / 4
    pcm = np.rint(16_384 * np.sin(angle)).astype(np.int16)
    assert limiter.true_peak_dbtp(pcm) == pytest.approx(-6.02, abs=0.2)


def test_nothing_and_silence_pass():
    assert len(limiter.apply(np.zeros(0, np.int16), 3.0)) == 0
    assert limiter.true_peak_dbtp(np.zeros(0, np.int16)) == -np.inf
    assert limiter.true_peak_dbtp(np.zeros(100, np.int16)) < -100


def test_same_input_same_bytes():
    pcm = speech_like(2.0, peak=20_000)
    assert limiter.apply(pcm, 9.0).tobytes() == limiter.apply(pcm.copy(), 9.0).tobytes()
