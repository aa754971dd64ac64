"""Turns the audio that a provider sends into mono int16 PCM, whatever container it is in."""

import io

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from libs.common.errors import Unavailable

Pcm = tuple[NDArray[np.int16], int]

_MAGIC = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3")
_MP4_BRAND = slice(4, 8)
_SYNC, _SYNC_MASK = 0xFF, 0xE0
_FULL_SCALE = 32_768
_COMPRESSED_TYPES = ("audio/mpeg", "audio/mp3", "audio/aac", "audio/aacp")


def decode(data: bytes, media_type: str, pcm_rate_hz: int) -> Pcm:
    """Decode ``data`` to mono, at the rate that it says itself.

    What it is shows in its first bytes. Without a known beginning it is headerless int16 PCM, mono,
    little endian, at ``pcm_rate_hz``, unless ``media_type`` or the frame header say MP3 or AAC.

    Raises:
        Unavailable: ``data`` is cut short or damaged; the next answer may be whole.
    """
    if not _has_container(data, media_type):
        return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16), pcm_rate_hz
    try:
        return _by_soundfile(data) or _by_ffmpeg(data)
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise Unavailable("the engine answered with audio that cannot be decoded") from error


def _has_container(data: bytes, media_type: str) -> bool:
    if data.startswith(_MAGIC) or data[_MP4_BRAND] == b"ftyp":
        return True
    # A quiet PCM stream may begin like an MPEG frame, so the frame header alone proves nothing.
    synced = len(data) > 1 and data[0] == _SYNC and data[1] & _SYNC_MASK == _SYNC_MASK
    return synced and media_type.partition(";")[0].strip().lower() in _COMPRESSED_TYPES


def _by_soundfile(data: bytes) -> Pcm | None:
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError, MemoryError):
        return None  # a FLAC that was streamed states no length, and is taken for an endless one
    # A streamed WAV states a length of 0, and libsndfile believes it.
    return (_to_int16(samples.mean(axis=1)), rate) if len(samples) else None


def _by_ffmpeg(data: bytes) -> Pcm:
    with av.open(io.BytesIO(data), mode="r") as container:
        stream = container.streams.audio[0]
        rate = stream.rate
        mono = av.AudioResampler(format="s16", layout="mono", rate=rate)
        frames = [
            frame.to_ndarray().reshape(-1)
            for decoded in (*container.decode(stream), None)
            for frame in mono.resample(decoded)
        ]
    return np.concatenate(frames or [np.zeros(0, dtype=np.int16)]), rate


def _to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled = np.rint(samples * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
