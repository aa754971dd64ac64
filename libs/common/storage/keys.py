"""Which names objects may have, the same on every kind of storage.

A key is one or more parts joined by ``/``, e.g. ``audio/6f1c/page.m4a``. The character set is what
S3 documents as safe in object names, less the characters that a shell or a file system minds, so
that a key is also a relative path. A part never starts with a dot: such names are
the storage's own.
"""

import re

from libs.common.errors import Permanent, Rejected

MAX_KEY_CHARACTERS = 512
MAX_PART_CHARACTERS = 200

_PART = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*", re.ASCII)

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000


def check_key(key: str) -> str:
    """Return ``key`` if it may name an object.

    Raises:
        Permanent: It may not; a key in an event that is none will never become one.
    """
    parts = key.split("/")
    if len(key) > MAX_KEY_CHARACTERS or not all(map(is_part, parts)):
        raise Permanent(f"not an object key: {key[:MAX_PART_CHARACTERS]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` if keys may begin with it; ``""`` is the prefix of all.

    Raises:
        Permanent: No key can begin like this.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def is_part(name: str) -> bool:
    """Tell whether ``name`` may stand between two slashes of a key."""
    return len(name) <= MAX_PART_CHARACTERS and _PART.fullmatch(name) is not None


def too_large(max_bytes: int) -> Rejected:
    """Return the refusal of data that exceeds ``max_bytes``."""
    return Rejected(
        "too_large",
        f"This is larger than the {size_in_words(max_bytes)} allowed. "
        "Split it, or ask the operator of this site to raise the limit.",
    )


def size_in_words(size: int) -> str:
    """Return ``size`` bytes for people, in decimal units: ``20 MB``, ``1.5 GB``."""
    power = min(len(_UNITS) - 1, (len(str(max(0, size))) - 1) // 3)
    return f"{size / _STEP**power:.1f}".removesuffix(".0") + f" {_UNITS[power]}"
