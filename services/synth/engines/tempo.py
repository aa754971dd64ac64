"""Makes speech faster than its engine can, at the same pitch."""

from typing import Any

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from services.synth.engines.port import Speech, WordMark

_SHORTEST_S = 0.1


def faster(speech: Speech, factor: float) -> Speech:
    """Play ``speech`` ``factor`` times as fast, at most 2; as it is if ``factor`` is 1 or less.

    FFmpeg's ``atempo`` does it, by overlapping windows where they fit best. The length comes out
    within 20 ms of the exact one; less than 0.1 s of speech is left alone.
    """
    if factor <= 1.0 or speech.duration_s < _SHORTEST_S:
        return speech
    pcm = _atempo(speech.pcm, speech.sample_rate, factor)
    scale = len(pcm) / len(speech.pcm)
    words = (WordMark(word.start, word.end, int(word.sample * scale)) for word in speech.words)
    return Speech(pcm, speech.sample_rate, tuple(words))


def _atempo(pcm: NDArray[np.int16], sample_rate: int, factor: float) -> NDArray[np.int16]:
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="s16", sample_rate=sample_rate, layout="mono")
    tempo = graph.add("atempo", f"{factor:.4f}")
    sink = graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = sample_rate
    source.push(frame)
    source.push(None)
    return _drain(sink)


def _drain(sink: Any) -> NDArray[np.int16]:
    parts: list[NDArray[np.int16]] = []
    while True:
        try:
            parts.append(sink.pull().to_ndarray().reshape(-1))
        except EOFError:
            return np.concatenate(parts)
