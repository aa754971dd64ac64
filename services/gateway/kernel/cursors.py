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


def sorted_cursor(order: str, value: str, identity: UUID) -> str:
    """Return the place behind something in one of several orders of a list, by its ``value``."""
    place = json.dumps([order, value, str(identity)]).encode()
    return base64.urlsafe_b64encode(place).decode()


def sorted_position(given: str, order: str) -> tuple[str, str]:
    """Return the value and the id of a cursor of this order.

    Raises:
        Rejected: The cursor is none of ours, or one of another order.
    """
    try:
        found, value, identity = json.loads(base64.urlsafe_b64decode(given.encode()))
        if found != order or "\x00" in value:
            raise ValueError("another order, or no text")
        value.encode()  # no database takes a lone surrogate
        return value, str(UUID(identity))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise no_such_place() from error


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
        raise no_such_place() from error


def no_such_place() -> Rejected:
    """Return what is wrong with a cursor that is none of ours."""
    return Rejected(
        "bad_cursor", "This is no place in the list; take the one that the last answer gave."
    )
