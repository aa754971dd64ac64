"""Digests under a secret: whoever has one cannot try out what it was made of."""

import hmac
import json
from uuid import UUID


def keyed_digest(key: bytes, *parts: str) -> bytes:
    """Return HMAC-SHA256 of ``parts`` under ``key``, 32 bytes.

    The parts are encoded as a JSON array, so that no two different rows of them share an encoding.
    """
    return hmac.digest(key, json.dumps(parts, separators=(",", ":")).encode(), "sha256")


def keyed_uuid(key: bytes, *parts: str) -> UUID:
    """Return the id that ``parts`` have under ``key``: always the same, random to all others.

    It has the form of version 4 (RFC 9562, section 5.4): of its 122 bits nobody can tell them from
    random ones.
    """
    return UUID(bytes=keyed_digest(key, *parts)[:16], version=4)
