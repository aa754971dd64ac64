"""Identifiers and digests within text, as the bytes that their hexadecimal digits stand for.

A UUID is 254 and its 16 bytes, a SHA-256 is 255 and its 32 bytes: neither mark is in any UTF-8.
"""

import re
from uuid import UUID

UUID_MARK, SHA256_MARK = b"\xfe", b"\xff"

_DIGITS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}")
_MARKED = re.compile(rb"\xfe.{16}|\xff.{32}", re.DOTALL)


def has_marks(text: bytes) -> bool:
    """Return whether bytes hold a mark already, as no UTF-8 does."""
    return UUID_MARK in text or SHA256_MARK in text


def without_digits(text: bytes) -> bytes:
    """Return UTF-8 with bytes for digits."""
    return _DIGITS.sub(_bytes_of, text)


def with_digits(stored: bytes) -> bytes:
    """Return what :func:`without_digits` was given."""
    return _MARKED.sub(_digits_of, stored)


def _bytes_of(found: re.Match[bytes]) -> bytes:
    digits = found[0].replace(b"-", b"")
    mark = UUID_MARK if len(found[0]) > len(digits) else SHA256_MARK
    return mark + bytes.fromhex(digits.decode())


def _digits_of(found: re.Match[bytes]) -> bytes:
    marked = found[0]
    if marked.startswith(SHA256_MARK):
        return marked[1:].hex().encode()
    return str(UUID(bytes=marked[1:])).encode()
