import numpy as np
import pytest

from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.audio.codecs.resample import marks_to_book_rate, to_book_rate, to_int16
from services.synth.engines.port import WordMark


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_tone_keeps_pitch_level_and_length(rate):
    time = np.arange(rate) / rate
    tone = (10_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    resampled = to_book_rate(tone, rate)
    assert resampled.dtype == np.int16
    assert abs(len(resampled) - RATE_HZ) <= 1
    spectrum = np.abs(np.fft.rfft(resampled[:RATE_HZ]))
    assert spectrum.argmax() * RATE_HZ / len(resampled[:RATE_HZ]) == pytest.approx(440, abs=1.5)
    inner = resampled[2000:-2000].astype(float)
    assert np.sqrt((inner**2).mean()) == pytest.approx(10_000 / np.sqrt(2), rel=0.01)


def test_repeated_is_identical():
    noise = np.random.default_rng(1).integers(-3000, 3000, 22_050).astype(np.int16)
    assert np.array_equal(to_book_rate(noise, 22_050), to_book_rate(noise, 22_050))


def test_full_scale_clips_instead_of_wrapping():
    assert to_int16(np.array([40_000.0, -40_000.0, 0.5], np.float32)).tolist() == [32767, -32768, 0]
    square = np.where(np.arange(22_050) % 200 < 100, 32767, -32768).astype(np.int16)
    assert np.sign(to_book_rate(square, 22_050)[55]) == np.sign(square[50])


def test_book_rate_and_nothing_pass_through():
    pcm = np.arange(5, dtype=np.int16)
    assert to_book_rate(pcm, RATE_HZ) is pcm
    assert len(to_book_rate(pcm[:0], 22_050)) == 0


def test_marks_move_with_the_samples():
    marks = (WordMark(0, 2, 0), WordMark(3, 5, 11_025), WordMark(6, 8, 22_050))
    moved = marks_to_book_rate(marks, 22_050, 23_999)
    assert [mark.sample for mark in moved] == [0, 12_000, 23_999]
    assert [mark.end for mark in moved] == [2, 5, 8]
