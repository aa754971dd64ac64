"""The texts that an event may hold. Each has a pattern in which no sentence and no name fits.

Events are kept for ever, so nothing of a document may be in them. What people wrote is in objects
of the document (:mod:`libs.common.contracts.details`), which go with it.
"""

import os
import re
import threading
import time
from typing import Annotated
from uuid import UUID

from pydantic import Field

Code = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$", description="What went wrong, for machines.")
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
"""Of something that this software or its operator has named: an engine, a job kind, a topic."""

VoiceName = Annotated[
    str, Field(pattern=r"^[!-~]{1,200}$", description="The engine's name of the voice.")
]
"""Without spaces, or sentences would fit: a voice that is named otherwise is not announced."""

LANGUAGE_PATTERN = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$"
Language = Annotated[str, Field(pattern=LANGUAGE_PATTERN, description="BCP 47.")]

MEDIA_TYPE_PATTERN = (
    r"^[a-z]{1,20}/[A-Za-z0-9.+_-]{1,100}(; ?[a-z0-9]{1,20}=[A-Za-z0-9.-]{1,30}){0,3}$"
)
MediaType = Annotated[str, Field(pattern=MEDIA_TYPE_PATTERN, description="IANA media type.")]
ObjectKey = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._=+@/-]{1,512}$",
        description="Name of the object in the installation's object storage.",
    ),
]
STREAM_PATTERN = r"^[a-z]+(/[A-Za-z0-9._-]{1,100}){1,3}$"
StreamName = Annotated[str, Field(pattern=STREAM_PATTERN)]

UNDETERMINED = "und"
"""BCP 47 for a language that nobody knows."""
OCTETS = "application/octet-stream"
"""The media type of what nobody knows better."""

_MILLISECOND_NS = 1_000_000
_STEPS_PER_MS = 4096
_RANDOM_BITS = 62

_lock = threading.Lock()
_last = 0


def as_language(found: str | None) -> str:
    """Return a language tag that somebody wrote, ``und`` if it is none."""
    return found if found and re.fullmatch(LANGUAGE_PATTERN, found) else UNDETERMINED


def as_media_type(found: str | None) -> str:
    """Return a media type that somebody wrote, that of octets if it is none."""
    return found if found and re.fullmatch(MEDIA_TYPE_PATTERN, found) else OCTETS


def uuid7() -> UUID:
    """Return a UUID of version 7: made later, it sorts later, also within this process.

    Source: RFC 9562, sections 5.7 and 6.2 (method 3: 12 bits more of the clock, then 62 random
    ones). Where the clock stands still or goes back, the time is counted on by its smallest step.
    """
    global _last
    milliseconds, rest_ns = divmod(time.time_ns(), _MILLISECOND_NS)
    now = milliseconds * _STEPS_PER_MS + rest_ns * _STEPS_PER_MS // _MILLISECOND_NS
    with _lock:
        _last = now = max(now, _last + 1)
    milliseconds, steps = divmod(now, _STEPS_PER_MS)
    random = int.from_bytes(os.urandom(8)) >> (64 - _RANDOM_BITS)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | steps << 64 | 0b10 << 62 | random)
