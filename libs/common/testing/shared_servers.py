"""Servers that the workers of a parallel run share; the process that outlives them starts each.

A worker connects to a socket, sends the name of a server, and gets what its starter returned or
the reason why there is none.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import Any

from libs.common.testing.processes import ServerFailed, ServerMissing

Starter = Callable[[ExitStack], tuple[Any, str]]
"""Starts a server, leaves its end on the stack, returns its address and a description."""


def first_of(stack: ExitStack, starters: Sequence[Starter]) -> tuple[Any, str]:
    """Return what the first starter that has a server returns.

    Raises:
        ServerMissing: None has it; the reason is that of the last one.
    """
    reason = "no server was tried"
    for start in starters:
        try:
            return start(stack)
        except (ServerMissing, ServerFailed) as error:
            reason = str(error)
    raise ServerMissing(reason)


class Servers:
    """Starts servers when they are first asked for, and ends all of them together."""

    def __init__(self, starters: Mapping[str, Sequence[Starter]]) -> None:
        self._starters = starters
        self._stack = ExitStack()
        self._found: dict[str, tuple[Any, str] | ServerMissing] = {}

    def get(self, name: str) -> tuple[Any, str]:
        """Return address and description of a server.

        Raises:
            ServerMissing: It cannot be had; nobody tries again in this run.
        """
        if name not in self._found:
            try:
                self._found[name] = first_of(self._stack, self._starters[name])
            except ServerMissing as missing:
                self._found[name] = missing
        found = self._found[name]
        if isinstance(found, ServerMissing):
            raise ServerMissing(str(found))
        return found

    def close(self) -> None:
        """End the servers."""
        self._stack.close()


class ServersListener:
    """Answers workers, one after the other, in a thread."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._key = secrets.token_bytes(16)
        self._listener = Listener(backlog=64, authkey=self._key)
        self._thread = Thread(target=self._serve, name="servers listener", daemon=True)
        self._thread.start()

    @property
    def ticket(self) -> tuple[str, bytes]:
        """What :class:`ServersClient` needs."""
        return str(self._listener.address), self._key

    def close(self) -> None:
        """Answer nobody any more."""
        with Client(self._listener.address, authkey=self._key) as connection:
            connection.send(None)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            with self._listener.accept() as connection:
                name = connection.recv()
                if name is None:
                    return
                connection.send(self._answer(name))

    def _answer(self, name: str) -> tuple[Any, str] | ServerMissing:
        try:
            return self._servers.get(name)
        except Exception as error:  # whatever it is, the worker waits for an answer
            return ServerMissing(str(error))


class ServersClient:
    """The servers of another process, as a worker sees them."""

    def __init__(self, ticket: tuple[str, bytes]) -> None:
        self._address, self._key = ticket

    def get(self, name: str) -> tuple[Any, str]:
        """Return address and description of a server.

        Raises:
            ServerMissing: It cannot be had.
        """
        with Client(self._address, authkey=self._key) as connection:
            connection.send(name)
            answer: tuple[Any, str] | ServerMissing = connection.recv()
        if isinstance(answer, ServerMissing):
            raise answer
        return answer
