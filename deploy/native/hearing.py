"""Listens to a file as a player would: decodes it through libav and says what is in it."""

import io
import math
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
SILENT_BELOW = 0.003
"""Of full scale, -50 dB."""
SILENCE_STEP_S = 0.01
INTEGRATED = "lavfi.r128.I"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was heard: ``loudness_lufs`` is by EBU R128; chapters are (title, start in s)."""

    duration_s: float
    loudness_lufs: float
    longest_silence_s: float
    chapters: tuple[tuple[str, float], ...]
    tags: dict[str, str]
    has_cover: bool


def hear(file: bytes) -> Heard:
    """Decode a whole file.

    Raises:
        av.error.FFmpegError: It cannot be decoded.
    """
    with av.open(io.BytesIO(file), "r") as container:
        chapters = tuple(
            (
                chapter["metadata"].get("title", ""),
                float(chapter["start"] * (chapter["time_base"] or 0)),
            )
            for chapter in container.chapters()
        )
        tags = {name.lower(): value for name, value in container.metadata.items()}
        has_cover = bool(container.streams.video)
        samples, loudness = _decoded(container)
    return Heard(
        duration_s=len(samples) / RATE_HZ,
        loudness_lufs=loudness,
        longest_silence_s=_longest_silence_s(samples),
        chapters=chapters,
        tags=tags,
        has_cover=has_cover,
    )


def _decoded(container: av.container.InputContainer) -> tuple[NDArray[np.float32], float]:
    """Samples in mono, and the loudness that ffmpeg's own meter found."""
    stream = container.streams.audio[0]
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_abuffer(template=stream),
        graph.add("ebur128", "metadata=1:framelog=quiet"),
        graph.add("aformat", f"sample_fmts=flt:sample_rates={RATE_HZ}:channel_layouts=mono"),
        graph.add("abuffersink"),
    ).configure()
    blocks: list[NDArray[np.float32]] = []
    loudness = -math.inf
    for frame in (*container.decode(stream), None):
        graph.push(frame)
        while True:
            try:
                measured = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            blocks.append(measured.to_ndarray().reshape(-1).astype(np.float32))
            loudness = float(measured.metadata.get(INTEGRATED, loudness))
    return np.concatenate(blocks), loudness


def _longest_silence_s(samples: NDArray[np.float32]) -> float:
    """The longest stretch in which no hundredth of a second has a loud sample."""
    step = round(RATE_HZ * SILENCE_STEP_S)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    loud = np.flatnonzero(np.abs(whole).max(axis=1) > SILENT_BELOW)
    edges = np.concatenate([[-1], loud, [len(whole)]])
    return float((np.diff(edges).max() - 1) * SILENCE_STEP_S)
