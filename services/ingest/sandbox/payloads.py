"""Reads what the frames of a confined process say; it may have been taken over.

Nothing is taken for granted: types are checked, and names and sentences have bounds. Whatever is
not as agreed is a ValueError, which pydantic's are. The confined side does without pydantic.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, TypeAdapter

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.document import Metadata, Page

MOST_CHARACTERS = 200
"""Of a name or a sentence."""
MOST_IN_A_REASON = 2_000
LONGEST_WAIT_S = 3600.0
"""That a website may ask for."""


@dataclass(frozen=True)
class _SaidRejection:
    code: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    message: Annotated[str, Field(max_length=MOST_IN_A_REASON)]


@dataclass(frozen=True)
class _SaidFailure:
    throttled: bool
    message: str
    after_s: float | None


@dataclass(frozen=True)
class _SaidFetched:
    filename: str | None


_PAGE = TypeAdapter(Page)
_METADATA = TypeAdapter(Metadata)
_REJECTION = TypeAdapter(_SaidRejection)
_FAILURE = TypeAdapter(_SaidFailure)
_FETCHED = TypeAdapter(_SaidFetched)
"""They read JSON themselves, check types, and refuse what is nested too deeply: ValidationError,
which is a ValueError."""


def page(payload: bytes) -> Page:
    """Read the payload of PAGE. Raises ValueError if it is none."""
    return _PAGE.validate_json(payload, strict=True)


def metadata(payload: bytes, cover: bytes | None) -> Metadata:
    """Read the payload of METADATA. Raises ValueError if it is none."""
    return replace(_METADATA.validate_json(payload, strict=True), cover=cover)


def rejection(payload: bytes) -> Rejected:
    """Read the payload of REJECTED. Raises ValueError if it is none."""
    said = _REJECTION.validate_json(payload, strict=True)
    return Rejected(said.code, said.message)


def failure(payload: bytes) -> Transient:
    """Read the payload of FAILED. Raises ValueError if it is none.

    Whoever wrote it may have been taken over: what it asks for has bounds.
    """
    said = _FAILURE.validate_json(payload, strict=True)
    message, seconds = said.message[:MOST_CHARACTERS], said.after_s
    if not said.throttled:
        return Transient(message)
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ValueError(f"a wait of {seconds} s")
    return Throttled(message, None if seconds is None else min(seconds, LONGEST_WAIT_S))


def fetched(payload: bytes) -> str | None:
    """Read the payload of FETCHED. Raises ValueError if it is none."""
    filename = _FETCHED.validate_json(payload, strict=True).filename
    return None if filename is None else filename[:MOST_CHARACTERS]
