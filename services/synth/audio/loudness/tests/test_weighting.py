import numpy as np
import pytest
from scipy.signal import sosfilt

from services.synth.audio.loudness.weighting import BLOCK, MULTIPLICATIONS, k_weighting, weighted


def test_filters_at_48_khz_are_those_printed_in_the_recommendation():
    shelf, high_pass = k_weighting(48_000)
    assert shelf == pytest.approx(
        [
            1.53512485958697,
            -2.69169618940638,
            1.19839281085285,
            1,
            -1.69065929318241,
            0.73248077421585,
        ],
        abs=1e-6,
    )
    assert high_pass == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-6)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("samples", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 50_000])
def test_blocks_make_no_difference(rate, samples):
    pcm = np.random.default_rng(samples).integers(-32_768, 32_768, samples).astype(np.int16)
    length = samples + 777
    wanted = sosfilt(k_weighting(rate), np.append(pcm, np.zeros(777)) / 32_768)
    filtered = weighted(pcm, rate, length)
    assert filtered.shape == (length,)
    assert np.abs(filtered - wanted).max() < 1e-5


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_a_constant_dies_away(rate):
    filtered = weighted(np.full(rate, 20_000, np.int16), rate, rate)
    assert np.abs(filtered[rate // 2 :]).max() < 1e-5


def test_no_product_is_large_enough_for_threads(monkeypatch):
    sizes = []
    plain = np.matmul

    def watched(rows, matrix, out):
        sizes.append(len(rows) * matrix.size)
        return plain(rows, matrix, out=out)

    monkeypatch.setattr(np, "matmul", watched)
    weighted(np.ones(500_000, np.int16), 24_000, 500_000)
    assert max(sizes) <= MULTIPLICATIONS
