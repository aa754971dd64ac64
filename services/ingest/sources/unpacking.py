"""Unpacks what a web server sends under ``Content-Encoding``, in bounded memory.

One coding, of those that we ask for. A list of them (RFC 9110, 8.4) multiplies: 361 bytes under
three times gzip unpack to gigabytes. At most ``PIECE_BYTES`` are unpacked before the caller has
seen them, so whoever counts them can stop in time.
"""

import zlib
from collections.abc import Iterator

from libs.common.errors import Rejected

ACCEPTED = "gzip, deflate"
PIECE_BYTES = 64 * 1024

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_NAMES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class Unpacker:
    """Unpacks one body. ``content_encoding`` is the header's value, empty if there is none.

    Raises:
        Rejected: With code ``unsupported_coding``, for more than one coding or an unknown one.
    """

    def __init__(self, content_encoding: str) -> None:
        self._coding = _coding(content_encoding)
        self._stream = zlib.decompressobj(_GZIP_WINDOW) if self._coding == "gzip" else None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data``, not empty, unpacks to, in pieces.

        Raises:
            Rejected: With code ``damaged``, if it cannot be unpacked.
        """
        if self._coding is None:
            yield data
            return
        if self._stream is None:
            self._stream = zlib.decompressobj(_deflate_window(data))
        while data and not self._stream.eof:
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise _damaged() from error
            if piece:
                yield piece
            data = self._stream.unconsumed_tail

    def finish(self) -> None:
        """Return if the body was whole; what comes behind its end was ignored.

        Raises:
            Rejected: With code ``damaged``, if the end is missing.
        """
        if self._stream is not None and not self._stream.eof:
            raise _damaged()


def _coding(content_encoding: str) -> str | None:
    tokens = (token.strip().lower() for token in content_encoding.split(","))
    codings = [token for token in tokens if token not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _NAMES:
        raise Rejected(
            "unsupported_coding",
            "The website sends the page packed in a way that cannot be read. Please download it "
            "and upload the file.",
        )
    return _NAMES[codings[0]]


def _deflate_window(first: bytes) -> int:
    """Return the window of zlib's format, as RFC 9110 wants it, or of bare deflate.

    Some servers send the latter. A zlib header begins with 8 in its lower four bits (RFC 1950); in
    bare deflate that would be a block without compression, with a bit set that encoders leave zero.
    """
    return zlib.MAX_WBITS if first[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


def _damaged() -> Rejected:
    return Rejected("damaged", "The website sent data that cannot be unpacked.")
