"""One segment to packets that can be joined with any others of the same codec.

A segment is encoded behind some frames of silence, whose packets are thrown away, and in front of
the silence in which its tail dies away. So every packet that is kept was made between silences,
and joining two segments damages neither; what a packet of one would have said about the other is
nothing. Pauses are not encoded with a segment: a page puts copies of one packet of silence between
them, so that the same sentence is encoded once whatever follows it.

A new encoder costs 0.1 ms (MP3 0.7 ms); one that is used again would make packets depend on what
it encoded before.
"""

from dataclasses import dataclass
from functools import lru_cache

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from services.synth.audio.codecs.codec import CODECS, RATE_HZ, Codec, CodecName
from services.synth.audio.codecs.resample import FULL_SCALE, to_int16

STEADY = 20


@dataclass(frozen=True)
class EncodedSegment:
    """The packets of one segment.

    ``samples`` of sound lie within ``len(packets) * frame`` of the codec; the rest is silent.
    """

    codec: CodecName
    samples: int
    packets: tuple[bytes, ...]


def encode_segment(pcm: NDArray[np.int16], codec: CodecName) -> EncodedSegment:
    """Encode 24 kHz mono PCM, shape (samples,). Equal PCM gives equal bytes."""
    how = CODECS[codec]
    count = how.frames(len(pcm))
    before = how.pre_roll * how.frame
    padded = np.zeros(before + count * how.frame, np.int16)
    padded[before : before + len(pcm)] = pcm
    # What comes after is what the encoder flushes: the silence that a page brings anyway.
    packets = _encode(padded, how)[how.pre_roll : how.pre_roll + count]
    return EncodedSegment(codec, len(pcm), tuple(packets))


@lru_cache(maxsize=len(CODECS))
def silent_packet(codec: CodecName) -> bytes:
    """Return one frame of silence as it is encoded amid silence."""
    how = CODECS[codec]
    return _encode(np.zeros(2 * STEADY * how.frame, np.int16), how)[STEADY]


def open_encoder(codec: Codec) -> AudioCodecContext:
    """Open an encoder that runs in the calling thread."""
    encoder = av.CodecContext.create(codec.encoder, "w")
    assert isinstance(encoder, AudioCodecContext)  # noqa: S101 - tells the type checker
    encoder.sample_rate = RATE_HZ
    encoder.layout = "mono"
    encoder.format = codec.sample_format
    encoder.bit_rate = codec.bit_rate
    encoder.thread_count = 1
    encoder.options = dict(codec.options)
    encoder.open()
    return encoder


def _encode(pcm: NDArray[np.int16], codec: Codec) -> list[bytes]:
    encoder = open_encoder(codec)
    samples: NDArray[np.int16] | NDArray[np.float32] = pcm
    if codec.sample_format == "fltp":
        samples = pcm * np.float32(1 / FULL_SCALE)
    elif codec.level != 1.0:
        samples = to_int16(pcm * np.float32(codec.level))
    frame = av.AudioFrame.from_ndarray(samples[None], codec.sample_format, "mono")
    frame.sample_rate = RATE_HZ
    frame.pts = 0
    # libav cuts the one long frame into the encoder's frames.
    return [bytes(packet) for end in (frame, None) for packet in encoder.encode(end)]
