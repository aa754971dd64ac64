import io

import av
import numpy as np
import pytest

from deploy.native.hearing import hear
from tests.journeys.outside import RATE_HZ, sound


def wav(*parts: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        samples = np.concatenate(parts).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def sine(seconds: float, peak: float) -> np.ndarray:
    return np.sin(np.arange(round(RATE_HZ * seconds)) * 2 * np.pi * 1000 / RATE_HZ) * peak * 32767


def test_measures_length_loudness_and_silence() -> None:
    # EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS; one channel is 3 dB less.
    heard = hear(wav(sine(5, 10 ** (-20 / 20)), np.zeros(RATE_HZ * 3), sine(5, 10 ** (-20 / 20))))
    assert heard.duration_s == pytest.approx(13, abs=0.05)
    assert heard.loudness_lufs == pytest.approx(-23, abs=0.3)
    assert heard.longest_silence_s == pytest.approx(3, abs=0.05)
    assert (heard.chapters, heard.has_cover) == ((), False)


def test_silence_at_the_ends_counts_too() -> None:
    tone = sine(2, 0.1)
    assert hear(wav(np.zeros(RATE_HZ * 2), tone)).longest_silence_s == pytest.approx(2, abs=0.05)
    assert hear(wav(tone, np.zeros(RATE_HZ * 2))).longest_silence_s == pytest.approx(2, abs=0.05)


def test_what_the_speech_server_says_can_be_heard() -> None:
    assert hear(sound("Some words to be spoken aloud.")).longest_silence_s < 0.1


def test_what_is_no_audio_is_refused() -> None:
    with pytest.raises(av.error.FFmpegError):
        hear(b"no audio")
