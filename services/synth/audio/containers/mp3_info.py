"""The Info frame of an MP3 file: how many frames follow, and how much of them is not sound.

libav writes the frame, but no delay and padding, without which players start 46 ms late and end in
a gap. Layout: http://gabriel.mp3-tech.org/mp3infotag.html, for one channel at 24 kHz.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from libs.common.errors import ObjectCorrupt

FRAME_HEADER = 4
SIDE_INFO = 9  # MPEG-2, mono
ID3_HEADER = 10
FRAMES_AT = 8
ENCODER_AT = 120
DELAY_AT = ENCODER_AT + 21
CHECKSUM_AT = DELAY_AT + 13
ENCODER = b"LAME3.100"


@dataclass(frozen=True)
class InfoFrame:
    """Where the frame begins in its file, the audio frames after it, and its own bytes."""

    offset: int
    frames: int
    data: bytes


def read_info(path: Path) -> InfoFrame:
    """Read the Info frame of a file from our muxer.

    Raises:
        ObjectCorrupt: There is none.
    """
    with path.open("rb") as file:
        start = file.read(ID3_HEADER)
        offset = 0
        if start.startswith(b"ID3") and len(start) == ID3_HEADER:
            size = 0
            for byte in start[6:]:
                size = size << 7 | byte & 0x7F
            offset = ID3_HEADER + size
        file.seek(offset)
        data = file.read(FRAME_HEADER + SIDE_INFO + CHECKSUM_AT + 2)
    tag = data[FRAME_HEADER + SIDE_INFO :]
    if tag[:4] not in (b"Info", b"Xing") or len(tag) < CHECKSUM_AT + 2:
        raise ObjectCorrupt(path.name)
    return InfoFrame(offset, struct.unpack_from(">I", tag, FRAMES_AT)[0], data)


def write_gaps(path: Path, delay: int, padding: int) -> None:
    """Say how many samples before and after the sound belong to the encoder; each below 4096."""
    info = read_info(path)
    tag_at = FRAME_HEADER + SIDE_INFO
    data = bytearray(info.data)
    data[tag_at + ENCODER_AT : tag_at + ENCODER_AT + len(ENCODER)] = ENCODER
    gaps = (delay << 12 | padding).to_bytes(3, "big")
    data[tag_at + DELAY_AT : tag_at + DELAY_AT + 3] = gaps
    checked = bytes(data[: tag_at + CHECKSUM_AT])
    data[tag_at + CHECKSUM_AT :] = struct.pack(">H", crc16(checked))
    with path.open("r+b") as file:
        file.seek(info.offset)
        file.write(data)


def crc16(data: bytes) -> int:
    """CRC-16 with the reflected polynomial A001, beginning with 0."""
    table = _crc_table()
    value = 0
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)
