"""One segment as it is cached: what was made, and everything a page needs to know about it.

    offset  size  content
    0       4     b"LSEG"
    4       1     version, 1
    5       4     CRC-32 of all that follows, little endian like all numbers
    9       4     length of the header
    13      ...   header, JSON in UTF-8: codec, settings, samples, gain_db, words, counts
    ...     4*n   loudness energies, float32, per 100 ms, after the gain
    ...     4*m   lengths of the packets, uint32
    ...     ...   the packets

Codec "flac" is the segment before the gain, as one packet: what the other codecs are made from.
The service's own process only checks files, so NumPy is imported by those who need it.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import CODECS, CodecName
from services.synth.audio.codecs.packets import Packets
from services.synth.engines.port import WordMark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"LSEG"
VERSION = 1
PREFIX = struct.Struct("<4sBII")
CHECKED_FROM = 9


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentFile:
    """A spoken segment. Samples and word marks are at 24 kHz."""

    codec: CodecName | Literal["flac"]
    samples: int
    gain_db: float
    words: tuple[WordMark, ...]
    energies: "NDArray[np.float32]"
    packets: Packets


@dataclass(frozen=True)
class SegmentFiles:
    """All files of one spoken text: by codec, and the lossless one if that was asked for."""

    samples: int
    encoded: dict[CodecName, bytes]
    lossless: bytes | None


def dump(segment: SegmentFile) -> bytes:
    """Serialize ``segment``; equal segments give equal bytes."""
    header = json.dumps(
        {
            "codec": segment.codec,
            "settings": _settings(segment.codec),
            "samples": segment.samples,
            "gain_db": segment.gain_db,
            "words": [(word.start, word.end, word.sample) for word in segment.words],
            "energies": len(segment.energies),
            "packets": len(segment.packets),
        },
        separators=(",", ":"),
    ).encode()
    lengths = segment.packets.lengths.astype("<u4")
    energies = segment.energies.astype("<f4")
    checked = b"".join(
        (
            struct.pack("<I", len(header)),
            header,
            energies.tobytes(),
            lengths.tobytes(),
            segment.packets.data,
        )
    )
    return MAGIC + bytes([VERSION]) + struct.pack("<I", zlib.crc32(checked)) + checked


def load(raw: bytes, key: str = "segment") -> SegmentFile:
    """Read what :func:`dump` wrote. ``key`` names it in the error.

    Raises:
        ObjectCorrupt: A byte is missing, too many or wrong, or it was made by other settings.
    """
    try:
        return _load(raw)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise ObjectCorrupt(key) from error


def check(raw: bytes, key: str = "segment") -> None:
    """Raise ObjectCorrupt if :func:`load` would; quicker, for those who only pass the file on."""
    try:
        _read_header(raw)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise ObjectCorrupt(key) from error


def _read_header(raw: bytes) -> tuple[dict[str, Any], int]:
    """Return the header of an undamaged file, and where what follows it begins."""
    magic, version, checksum, header_size = PREFIX.unpack_from(raw)
    if magic != MAGIC or version != VERSION:
        raise ValueError("not a segment file of this version")
    if zlib.crc32(memoryview(raw)[CHECKED_FROM:]) != checksum:
        raise ValueError("the checksum does not fit")
    body = PREFIX.size + header_size
    header: dict[str, Any] = json.loads(raw[PREFIX.size : body])
    if header["settings"] != _settings(header["codec"]):
        raise ValueError("made by other settings")
    return header, body


def _load(raw: bytes) -> SegmentFile:
    import numpy as np

    header, body = _read_header(raw)
    lengths_at = body + 4 * header["energies"]
    packets_at = lengths_at + 4 * header["packets"]
    lengths = np.frombuffer(raw, "<u4", header["packets"], lengths_at)
    if packets_at + int(lengths.sum()) != len(raw):
        raise ValueError("the lengths of the packets do not add up")
    return SegmentFile(
        codec=header["codec"],
        samples=header["samples"],
        gain_db=header["gain_db"],
        words=tuple(WordMark(*word) for word in header["words"]),
        energies=np.frombuffer(raw, "<f4", header["energies"], body),
        packets=Packets(lengths, memoryview(raw)[packets_at:]),
    )


def _settings(codec: str) -> str:
    return "flac" if codec == "flac" else CODECS[codec].settings  # type: ignore[index]
