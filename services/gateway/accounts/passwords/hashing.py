"""How passwords are kept: Argon2id, a few at a time, in threads of their own.

Each takes 46 MiB and about 40 ms of a core, so only a few may wait: who comes then is told to come
back. An account that does not exist costs as much as one that does.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from fastapi import FastAPI

from libs.common.errors import Throttled

AT_ONCE = 2
MOST_WAITING = 30
RETRY_AFTER_S = 2.0

_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1, type=Type.ID)
"""As OWASP's "Password Storage Cheat Sheet" has it for Argon2id: m=47104, t=1, p=1."""
_NOBODYS = (
    "$argon2id$v=19$m=47104,t=1,p=1$/JaZSTWxZJiPrb3aZZRTsg$"
    "xZav0SVyEGzTsvXUGFwdvkUqYbhE55Ov2KoiKdoFpZA"
)
"""A hash of no password, with the parameters of all others."""


@dataclass
class PasswordHashing:
    """That of one process."""

    waiting: int = 0
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "password"), repr=False
    )

    async def hashed(self, password: str) -> str:
        """Return what a password is kept as.

        Raises:
            Throttled: Too many wait already.
        """
        async with self._turn():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _HASHER.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is the one that was kept; None: nobody has one, in the same time.

        Raises:
            Throttled: Too many wait already.
        """
        async with self._turn():
            loop = asyncio.get_running_loop()
            fits = await loop.run_in_executor(self._threads, _fits, password, kept or _NOBODYS)
        return fits and kept is not None

    def _turn(self) -> "_Turn":
        return _Turn(self)


@dataclass
class _Turn:
    """One place among those who wait."""

    hashing: PasswordHashing

    async def __aenter__(self) -> None:
        if self.hashing.waiting >= AT_ONCE + MOST_WAITING:
            raise Throttled("many people log in just now", RETRY_AFTER_S)
        self.hashing.waiting += 1

    async def __aexit__(self, *_: object) -> None:
        self.hashing.waiting -= 1


def _fits(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def password_hashing(app: FastAPI) -> PasswordHashing:
    """Return what hashes passwords in this process."""
    if not hasattr(app.state, "password_hashing"):
        app.state.password_hashing = PasswordHashing()
    found: PasswordHashing = app.state.password_hashing
    return found
