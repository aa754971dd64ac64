"""Which passwords are taken: the rules of the predecessor, which are those of Django.

At least 8 characters, not digits alone, none that everybody uses, and not like the mail address or
the names of what it is for. Otherwise any characters are taken, as they are.
"""

import re
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from libs.common.errors import Rejected

SHORTEST = 8
LONGEST = 128
"""A hash takes longer for more, and nobody types more."""
MOST_LIKE = 0.7
"""From here on two texts are similar, by :meth:`difflib.SequenceMatcher.quick_ratio`."""
MANY_TIMES_LONGER = 10

OF_HERE = "lectern audiobook podcast"
"""What comes to mind here before any password does."""

_LIST = Path(__file__).with_name("common_passwords.txt")


def check_password(password: str, again: str, address: str) -> None:
    """Return if somebody with this mail address may have this password.

    Raises:
        Rejected: They may not; the sentence says what to do.
    """
    if password != again:
        raise Rejected("passwords_differ", "The two passwords are not the same; type both again.")
    if not SHORTEST <= len(password) <= LONGEST:
        raise _weak(f"A password has {SHORTEST} to {LONGEST} characters.")
    if password.isdigit():
        raise _weak("A password of digits alone is easily guessed; add letters.")
    if password.lower().strip() in _common_passwords():
        raise _weak("This password is one that many people use; choose another one.")
    if _is_like(password.lower(), address.lower()):
        raise _weak("This password is too much like the mail address; choose another one.")
    if _is_like(password.lower(), OF_HERE):
        raise _weak("This password is too much like what it is for; choose another one.")


def _weak(sentence: str) -> Rejected:
    return Rejected("weak_password", sentence)


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(_LIST.read_text(encoding="utf-8").split("\n"))


def _is_like(password: str, address: str) -> bool:
    return any(
        part
        and len(password) < MANY_TIMES_LONGER * len(part)
        and SequenceMatcher(a=password, b=part).quick_ratio() >= MOST_LIKE
        for part in (*re.split(r"\W+", address), address)
    )
