"""What an audio file says when it is decoded, not what it says about itself."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from services.synth.audio.loudness.bs1770 import energies, integrated

QUIET = 10 ** (-50 / 20)
"""Amplitude below which a window counts as silence: -50 dBFS."""
WINDOW_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A decoded file: mono, 16 bit."""

    pcm: NDArray[np.int16]
    rate_hz: int
    codec: str
    container: str
    tags: dict[str, str]
    chapters: list[str]

    @property
    def duration_ms(self) -> float:
        return 1000 * len(self.pcm) / self.rate_hz

    @property
    def loudness_lufs(self) -> float:
        measured = integrated([energies(self.pcm, self.rate_hz)])
        assert measured is not None, "nothing can be heard"
        return measured

    @property
    def longest_silence_s(self) -> float:
        window = round(self.rate_hz * WINDOW_S)
        count = len(self.pcm) // window
        scaled = self.pcm[: count * window].reshape(count, window) / 32768
        longest = run = 0
        for quiet in np.abs(scaled).max(axis=1) < QUIET:
            run = run + 1 if quiet else 0
            longest = max(longest, run)
        return longest * WINDOW_S


def listen(path: Path) -> Heard:
    """Decode all of ``path``."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        frames = [
            converted.to_ndarray().reshape(-1)
            for frame in container.decode(stream)
            for converted in resampler.resample(frame)
        ]
        tags = {**container.metadata, **stream.metadata}
        return Heard(
            pcm=np.concatenate(frames),
            rate_hz=rate,
            codec=stream.codec_context.name,
            container=container.format.name,
            tags={name.lower(): value for name, value in tags.items()},
            chapters=[chapter["metadata"].get("title", "") for chapter in container.chapters()],
        )
