import numpy as np
import pytest

from services.synth.engines.port import Speech, WordMark
from services.synth.engines.tempo import faster


def sine(seconds: float, sample_rate: int = 22_050, hertz: int = 440) -> Speech:
    wave = np.sin(np.arange(round(seconds * sample_rate)) * 2 * np.pi * hertz / sample_rate)
    return Speech((wave * 9000).astype(np.int16), sample_rate, (WordMark(0, 1, sample_rate // 2),))


@pytest.mark.parametrize("factor", [1.02, 1.17, 1.5, 2.0])
def test_is_shorter_at_the_same_pitch(factor):
    slow = sine(3.0)
    fast = faster(slow, factor)
    assert fast.duration_s == pytest.approx(3.0 / factor, abs=0.02)
    assert fast.pcm.dtype == np.int16
    spectrum = np.abs(np.fft.rfft(fast.pcm.astype(float)))
    assert np.argmax(spectrum) / fast.duration_s == pytest.approx(440, abs=3)
    assert fast.words[0].sample / fast.sample_rate == pytest.approx(0.5 / factor, abs=0.02)


def test_a_factor_of_one_or_less_changes_nothing():
    speech = sine(1.0)
    assert faster(speech, 1.0) is speech
    assert faster(speech, 0.4) is speech


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.1, 0.12])
def test_short_sounds_survive(seconds):
    assert len(faster(sine(seconds), 1.5).pcm) > 0
