"""The picture on a book: its kind and size, read from its own header."""

import base64
import struct
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
FRONT_COVER = 3
# Start-of-frame markers; C4, C8 and CC are tables and reserved.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, kw_only=True)
class CoverImage:
    """A JPEG or PNG picture. ``codec`` is libav's name for it."""

    codec: str
    media_type: str
    width: int
    height: int
    data: bytes

    def as_flac_picture(self) -> str:
        """Return METADATA_BLOCK_PICTURE: the picture block of FLAC (RFC 9639, 8.8) in Base64."""
        kind = self.media_type.encode()
        block = b"".join(
            (
                struct.pack(">II", FRONT_COVER, len(kind)),
                kind,
                struct.pack(">IIIIII", 0, self.width, self.height, 24, 0, len(self.data)),
                self.data,
            )
        )
        return base64.b64encode(block).decode()


def read_cover(data: bytes) -> CoverImage | None:
    """Recognize a picture; None if it is neither a readable JPEG nor a PNG."""
    try:
        if data.startswith(PNG_SIGNATURE) and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
            return _checked("png", "image/png", width, height, data)
        if data.startswith(JPEG_START):
            height, width = _jpeg_size(data)
            return _checked("mjpeg", "image/jpeg", width, height, data)
    except struct.error:
        return None
    return None


def _checked(
    codec: str, media_type: str, width: int, height: int, data: bytes
) -> CoverImage | None:
    limit = 1 << 15
    if not (0 < width < limit and 0 < height < limit):
        return None
    return CoverImage(codec=codec, media_type=media_type, width=width, height=height, data=data)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return (height, width); raises struct.error where the data ends before they are told."""
    at = 2
    while True:
        prefix, marker = struct.unpack_from(">BB", data, at)
        if prefix != 0xFF:  # noqa: PLR2004 - every marker begins with it
            raise struct.error("not at a marker")
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
        elif marker in JPEG_STANDALONE:
            at += 2
        elif marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + max(length, 2)
