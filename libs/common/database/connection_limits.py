"""How long anything may take on a connection to PostgreSQL, and the socket options that hold it."""

import socket
from dataclasses import dataclass, replace
from typing import Protocol

KEEP_ALIVE = {
    "TCP_KEEPIDLE": 10,  # seconds of silence before the first probe
    "TCP_KEEPALIVE": 10,  # the same, as macOS names it
    "TCP_KEEPINTVL": 3,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 15_000,  # milliseconds that what was sent may go unacknowledged
}
"""A peer whose packets are lost is given up within 20 s, by the names of :mod:`socket`."""


@dataclass(frozen=True, kw_only=True)
class DatabaseLimits:
    """Seconds after which PostgreSQL, or we, give something up; 0 means never.

    ``lock_s`` bounds the wait for one lock, ``statement_s`` one statement and ``idle_s`` the time
    between two statements of a transaction: a holder of locks that froze loses them then.
    ``answer_s`` is how long we wait for any answer; longer than a statement may take, so that only
    a server that says nothing is met by it.
    """

    lock_s: float = 5.0
    statement_s: float = 15.0
    idle_s: float = 15.0
    answer_s: float = 20.0

    @property
    def server_settings(self) -> dict[str, str]:
        """PostgreSQL's parameters of these names, in milliseconds."""
        return {
            "lock_timeout": _ms(self.lock_s),
            "statement_timeout": _ms(self.statement_s),
            "idle_in_transaction_session_timeout": _ms(self.idle_s),
        }

    @property
    def unhurried(self) -> "DatabaseLimits":
        """Those of work that takes as long as it takes: only a frozen process is met by them."""
        return replace(self, lock_s=0, statement_s=0, answer_s=0)


class HasSocketOptions(Protocol):
    """What :func:`keep_alive` needs of a socket; asyncio's transports show no more of theirs."""

    @property
    def family(self) -> int:
        """See :attr:`socket.socket.family`."""
        ...

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """See :meth:`socket.socket.setsockopt`."""
        ...


def keep_alive(connected: HasSocketOptions) -> None:
    """Have the kernel give a TCP connection up whose peer is gone; others are left as they are."""
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
