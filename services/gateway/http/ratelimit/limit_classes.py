"""What is counted, and how a route declares that it is."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from limits import RateLimitItem, parse

LIMIT_CLASSES = "x-limits"
OFF = "0"


class LimitClass(StrEnum):
    """A kind of request that costs; each has a setting of its name."""

    UPLOAD = "upload"
    FETCH = "fetch"
    NARRATION = "narration"
    EDIT = "edit"
    SHARE = "share"
    STREAM = "stream"
    TOKEN = "token"  # noqa: S105 - a name
    ADDRESS = "address"
    PASSWORD = "password"  # noqa: S105 - a name
    LOGIN = "login"
    REGISTRATION = "registration"
    RESET = "reset"
    MAIL_LINK = "mail_link"

    def counts(self, status: int) -> bool:
        """Tell whether a request counts that is answered so.

        Errors do not, unless it may have been a guess: at a password of one's own by somebody who
        may change it, or at anything by somebody of whom nothing is known.
        """
        if status < HTTPStatus.BAD_REQUEST or self in _OPEN:
            return True
        return self is LimitClass.PASSWORD and status not in _NOT_ALLOWED


_OPEN = {LimitClass.LOGIN, LimitClass.REGISTRATION, LimitClass.RESET, LimitClass.MAIL_LINK}
_NOT_ALLOWED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}

Limits = Mapping[LimitClass, RateLimitItem]
"""How many are allowed in how many seconds; a class that is lacking has no limit."""


def limited(*classes: LimitClass) -> dict[str, Any]:
    """Declare, in ``openapi_extra``, as what requests to a route are counted."""
    return {LIMIT_CLASSES: [str(one) for one in classes]}


def limits_of(openapi_extra: Mapping[str, Any] | None) -> tuple[LimitClass, ...]:
    """Return what a route declared with :func:`limited`."""
    return tuple(LimitClass(name) for name in (openapi_extra or {}).get(LIMIT_CLASSES, ()))


def limits_from(settings: Mapping[str, str]) -> Limits:
    """Return the limits that settings give, such as ``10/hour`` or ``20/15 minutes``; 0: none.

    Raises:
        ValueError: One is not written so.
    """
    return {LimitClass(name): parse(said) for name, said in settings.items() if said != OFF}


def check_limit(said: str) -> str:
    """Return a setting that gives a limit.

    Raises:
        ValueError: It is none.
    """
    if said != OFF and parse(said).amount < 1:
        raise ValueError(said)
    return said
