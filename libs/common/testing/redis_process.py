"""Redis or Valkey as one process of this machine, from the packages of the system."""

import shutil
import socket
from pathlib import Path

from libs.common.testing.processes import Program, ServerMissing, ServerProcess, free_ports

START_TIMEOUT_S = 10.0
PROGRAMS = ("valkey-server", "redis-server")


class NativeRedis:
    """One server on loopback that keeps nothing on disk."""

    def __init__(self, log: Path) -> None:
        self.program = ""
        self._log = log
        self._process: ServerProcess | None = None

    @property
    def process(self) -> ServerProcess:
        """The running process."""
        if self._process is None:
            raise ServerMissing("Redis is not running")
        return self._process

    def start(self) -> str:
        """Start it, wait until it serves, and return its URL.

        Raises:
            ServerMissing: Neither Valkey nor Redis is installed.
            ServerFailed: It did not start; the message has its output.
        """
        found = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if found is None:
            raise ServerMissing("no Redis found; install the package redis-server or valkey")
        self.program = Path(found).name
        (port,) = free_ports(1)
        command = [found, "--bind", "127.0.0.1", "--port", str(port)]
        program = Program(
            name=self.program,
            command=[*command, "--save", "", "--appendonly", "no"],
            log=self._log,
            directory=self._log.parent,
        )
        self._process = ServerProcess(program, guarded=True)
        self._process.wait_until(lambda: _answers(port), START_TIMEOUT_S)
        return f"redis://127.0.0.1:{port}/0"

    def stop(self) -> None:
        """Stop it. Stopping twice is fine."""
        if self._process is not None:
            self._process.stop()
            self._process = None


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", port)):
            return False
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
