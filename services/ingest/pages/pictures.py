"""What kind of picture some bytes are: what a document says of its cover is not believed."""

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_WEBP = slice(8, 12)


def picture_type(data: bytes) -> str | None:
    """Return the media type of a JPEG, PNG, GIF or WebP picture by how it begins, else None.

    Only these four are shown: none of them can run anything (WHATWG MIME Sniffing, section 6.1).
    """
    if data.startswith(b"RIFF") and data[_WEBP] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS if data.startswith(start)), None)
