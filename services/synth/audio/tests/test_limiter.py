import numpy as np
import pytest
from scipy.signal import resample_poly

from services.synth.audio import limiter
from services.synth.audio.tests.signals import speech_like


def peak_dbtp(pcm) -> float:
    """True peak by eight-fold oversampling."""
    return float(20 * np.log10(np.abs(resample_poly(pcm / 32768, 8, 1)).max()))


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
