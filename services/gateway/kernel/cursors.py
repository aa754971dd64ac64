"""Places in a list that is longer than an answer."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from libs.common.errors import Rejected

V = TypeVar("V")

_MOMENT = re.compile(r"[0-9T:.+Z-]{1,40}")
"""``datetime.fromisoformat`` takes any letter between date and time, also one that no database
takes: a lone surrogate, or NUL."""


@dataclass(frozen=True)
class Slice(Generic[V]):
    """Some of a list, and where the next ones begin; ``following`` is None at its end."""

    items: tuple[V, ...]
    following: str | None


def cursor(moment: str, identity: UUID) -> str:
    """Return the place behind something that has a moment and an id."""
    return base64.urlsafe_b64encode(json.dumps([moment, str(identity)]).encode()).decode()


def position(given: str) -> tuple[str, str]:
    """Return the moment and the id of a cursor.

    Raises:
        Rejected: The cursor is none of ours.
    """
    try:
        moment, identity = json.loads(base64.urlsafe_b64decode(given.encode()))
        if not _MOMENT.fullmatch(moment):
            raise ValueError("no moment")
        datetime.fromisoformat(moment)
        return moment, str(UUID(identity))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Rejected(
            "bad_cursor", "This is no place in the list; take the one that the last answer gave."
        ) from error
