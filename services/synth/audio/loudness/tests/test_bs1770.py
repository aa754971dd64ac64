import numpy as np
import pytest
from scipy.signal import sosfilt

from services.synth.audio.loudness import bs1770
from services.synth.audio.loudness.weighting import k_weighting
from services.synth.audio.tests.signals import speech_like


def tone(rate: int, level_dbfs: float, seconds: float = 3.0, hz: float = 997.0):
    time = np.arange(int(rate * seconds)) / rate
    return np.rint(32768 * 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * time)).astype(np.int16)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("level", [-6.0, -20.0, -33.0])
def test_reference_tone_reads_as_in_bs_1770(rate, level):
    """0 dBFS at 997 Hz in one channel reads -3.01 LKFS."""
    measured = bs1770.integrated([bs1770.energies(tone(rate, level), rate)])
    assert measured == pytest.approx(level - 3.01, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_energies_are_those_of_the_filters_of_the_recommendation(rate):
    hop = rate // 10
    pcm = speech_like(3.01)[: 30 * hop - 7] + np.int16(300)
    filtered = sosfilt(k_weighting(rate), np.append(pcm, np.zeros(-len(pcm) % hop)) / 32_768)
    wanted = (filtered.reshape(-1, hop) ** 2).mean(axis=1)
    assert bs1770.energies(pcm, rate) == pytest.approx(wanted, rel=1e-5, abs=1e-12)


def test_relative_gate_ignores_what_is_much_quieter():
    loud, quiet = (bs1770.energies(tone(24_000, level, 6.0), 24_000) for level in (-20, -40))
    alone = bs1770.integrated([loud])
    assert bs1770.integrated([loud, quiet]) == pytest.approx(alone, abs=0.2)


def test_pauses_do_not_change_loudness():
    spoken = bs1770.energies(speech_like(4.0), 24_000)
    alone = bs1770.integrated([spoken])
    paused = bs1770.integrated([spoken, bs1770.silence(3.0), spoken])
    assert paused == pytest.approx(alone, abs=0.3)


def test_segments_add_up_to_the_whole():
    whole = np.concatenate([speech_like(2.05 + n / 7, n) for n in range(8)])
    parts = [bs1770.energies(speech_like(2.05 + n / 7, n), 24_000) for n in range(8)]
    together = bs1770.integrated([bs1770.energies(whole, 24_000)])
    assert bs1770.integrated(parts) == pytest.approx(together, abs=0.15)


def test_silence_has_no_loudness():
    assert bs1770.integrated([]) is None
    assert bs1770.integrated([bs1770.silence(2.0)]) is None
    assert bs1770.integrated([bs1770.energies(np.zeros(0, np.int16), 24_000)]) is None


def test_shorter_than_a_block_is_measured():
    assert bs1770.integrated([bs1770.energies(tone(24_000, -20, 0.1), 24_000)]) == pytest.approx(
        -23, abs=0.5
    )


def test_pages_combine_by_duration():
    assert bs1770.combined([(-19.0, 10.0), (-19.0, 500.0)]) == pytest.approx(-19.0)
    assert bs1770.combined([(-16.0, 1.0), (-26.0, 1.0)]) == pytest.approx(-18.6, abs=0.1)
    assert bs1770.combined([]) is None
