"""Signals that behave like speech, and decoding of what was made of them."""

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from libs.common.contracts.formats import PageFormat
from services.synth.audio.codecs.codec import RATE_HZ, Codec
from services.synth.audio.codecs.encode import open_encoder
from services.synth.audio.page import PagePart
from services.synth.audio.produce import produce
from services.synth.engines.port import WordMark

SYLLABLE_HZ = 3.0
PAGE_FORMATS: tuple[PageFormat, ...] = ("m4a", "mp3", "opus")


@lru_cache(maxsize=64)
def speech_like(seconds: float, seed: int = 0, peak: int = 9000) -> NDArray[np.int16]:
    """A gliding voiced tone in syllables, with a breath of noise; fades in and out."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    pitch = 110 + 10 * seed % 60 + 20 * np.sin(2 * np.pi * 0.7 * time + seed)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    voiced = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * SYLLABLE_HZ * time - 1)
    tone = (voiced + 0.02 * rng.standard_normal(len(time))) * syllables
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.03)
    tone *= fade
    pcm: NDArray[np.int16] = (tone / np.abs(tone).max() * peak).astype(np.int16)
    return pcm


def part(
    codec: Codec, seconds: float = 1.3, seed: int = 0, pause_ms: int = 400, gain_db: float = 0.0
) -> PagePart:
    """A segment file of a speech-like signal with two words."""
    pcm = speech_like(seconds, seed)
    words = (WordMark(0, 3, 0), WordMark(4, 8, len(pcm) // 2))
    made = produce(pcm, RATE_HZ, words, gain_db, [codec.name])
    return PagePart(made.encoded[codec.name], pause_ms)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A file as a player shows it: float samples at 24 kHz, tags, chapters, streams."""

    samples: NDArray[np.float64]
    metadata: dict[str, str]
    chapters: list[tuple[str, float, float]]
    pictures: list[bytes]


def decode_file(path: Path) -> Decoded:
    """Decode everything a player would, through libav."""
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        metadata = dict(container.metadata)
        chapters = [
            (
                chapter["metadata"].get("title", ""),
                float(chapter["start"] * (chapter["time_base"] or 0)),
                float(chapter["end"] * (chapter["time_base"] or 0)),
            )
            for chapter in container.chapters()
        ]
        pictures: list[bytes] = []
        sound: list[NDArray[np.float64]] = []
        for packet in container.demux():
            if packet.stream.type == "video" and packet.size:
                pictures.append(bytes(packet))
            elif packet.stream is audio:
                sound += [_floats(frame) for frame in audio.decode(packet)]
        metadata |= audio.metadata
        rate = audio.rate
    return Decoded(
        samples=np.concatenate(sound)[:: rate // RATE_HZ],
        metadata=metadata,
        chapters=chapters,
        pictures=pictures,
    )


def decode_packets(packets: list[bytes], codec: Codec) -> NDArray[np.float64]:
    """Decode bare packets in one go, as a player with no container would."""
    name = {"mp3": "mp3float", "opus": "libopus"}.get(codec.name, "aac")
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.extradata = open_encoder(codec).extradata
    decoder.sample_rate = RATE_HZ
    decoder.layout = "mono"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    frames += decoder.decode(None)
    sound = np.concatenate([_floats(frame) for frame in frames])
    return sound[:: frames[0].sample_rate // RATE_HZ]


def snr_db(wanted: NDArray[np.float64], got: NDArray[np.float64]) -> float:
    """Signal to noise of ``got``, in dB."""
    noise = ((wanted - got) ** 2).sum()
    return float(10 * np.log10((wanted**2).sum() / max(noise, 1e-12)))


def longest_silence_s(samples: NDArray[np.float64], floor: float = 10 ** (-50 / 20)) -> float:
    """Seconds of the longest run under ``floor``."""
    loud = np.flatnonzero(np.abs(samples) > floor)
    edges = np.concatenate([[-1], loud, [len(samples)]])
    return float(np.diff(edges).max() / RATE_HZ)


def png(width: int = 8, height: int = 6) -> bytes:
    """A gray picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x80" * 3 * width for _ in range(height))
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg(width: int = 16, height: int = 8) -> bytes:
    """A gray picture, made by libav."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    frame = av.VideoFrame(width, height, "yuvj420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return b"".join(bytes(packet) for end in (frame, None) for packet in encoder.encode(end))


def _floats(frame: av.AudioFrame) -> NDArray[np.float64]:
    samples = frame.to_ndarray().ravel()
    scale = 32768 if samples.dtype.kind == "i" else 1
    return samples.astype(np.float64) / scale
