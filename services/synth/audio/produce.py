"""What a worker does with the PCM that an engine returned: make all that is cached of it."""

import io
from collections.abc import Sequence

import numpy as np
import soundfile
from numpy.typing import NDArray

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.codec import RATE_HZ, CodecName
from services.synth.audio.codecs.encode import encode_segment
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.resample import marks_to_book_rate, to_book_rate
from services.synth.audio.codecs.segment_file import SegmentFile, SegmentFiles
from services.synth.audio.loudness import bs1770, limiter
from services.synth.engines.port import WordMark


def produce(
    pcm: NDArray[np.int16],
    sample_rate: int,
    words: Sequence[WordMark],
    gain_db: float,
    codecs: Sequence[CodecName],
    *,
    keep_lossless: bool = False,
) -> SegmentFiles:
    """Make segment files from an engine's PCM, shape (samples,), at any rate.

    Keep the lossless one where speaking again costs more than 0.5 ms per second of audio: then
    another codec or gain needs no speech, only :func:`reproduce`.
    """
    at_rate = to_book_rate(pcm, sample_rate)
    marks = marks_to_book_rate(words, sample_rate, len(at_rate))
    lossless = _lossless(at_rate, marks) if keep_lossless else None
    return SegmentFiles(len(at_rate), _encoded(at_rate, marks, gain_db, codecs), lossless)


def reproduce(lossless: bytes, gain_db: float, codecs: Sequence[CodecName]) -> SegmentFiles:
    """Make from a kept lossless segment file exactly what :func:`produce` would make.

    Raises:
        ObjectCorrupt: It is damaged.
    """
    kept = segment_file.load(lossless)
    if kept.codec != "flac" or len(kept.packets) != 1:
        raise ObjectCorrupt("lossless segment")
    pcm, rate_hz = from_flac(bytes(kept.packets.data))
    if rate_hz != RATE_HZ or len(pcm) != kept.samples:
        raise ObjectCorrupt("lossless segment")
    return SegmentFiles(len(pcm), _encoded(pcm, kept.words, gain_db, codecs), lossless)


def to_flac(pcm: NDArray[np.int16], rate_hz: int) -> bytes:
    """Compress mono PCM without loss."""
    out = io.BytesIO()
    soundfile.write(out, pcm, rate_hz, format="FLAC", subtype="PCM_16")
    return out.getvalue()


def from_flac(raw: bytes) -> tuple[NDArray[np.int16], int]:
    """Return PCM and rate in Hz.

    Raises:
        ObjectCorrupt: ``raw`` cannot be decoded.
    """
    try:
        pcm, rate_hz = soundfile.read(io.BytesIO(raw), dtype="int16")
    except soundfile.SoundFileError as error:
        raise ObjectCorrupt("flac") from error
    return pcm, rate_hz


def _encoded(
    pcm: NDArray[np.int16],
    words: tuple[WordMark, ...],
    gain_db: float,
    codecs: Sequence[CodecName],
) -> dict[CodecName, bytes]:
    loud = limiter.apply(pcm, gain_db)
    measured = bs1770.energies(loud, RATE_HZ)
    return {
        codec: segment_file.dump(
            SegmentFile(
                codec=codec,
                samples=len(loud),
                gain_db=gain_db,
                words=words,
                energies=measured,
                packets=Packets.of(encode_segment(loud, codec).packets),
            )
        )
        for codec in codecs
    }


def _lossless(pcm: NDArray[np.int16], words: tuple[WordMark, ...]) -> bytes:
    return segment_file.dump(
        SegmentFile(
            codec="flac",
            samples=len(pcm),
            gain_db=0.0,
            words=words,
            energies=np.zeros(0, np.float32),
            packets=Packets.of([to_flac(pcm, RATE_HZ)]),
        )
    )
