"""The process of the fetch server, as the service sees it."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Self

STOP_SECONDS = 5.0

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
_PROGRAM = "services.ingest.sources.fetch_server"


@dataclass(frozen=True)
class FetchServerProcess:
    """A fetch server, and our end of the socket that it serves, which does not block."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket

    @classmethod
    def start(cls) -> Self:
        """Start one; it takes requests at once, and serves them when it has loaded.

        It is a program of its own, not a fork of the service: it must not know secrets or sockets.

        Raises:
            OSError: The system cannot start a process.
        """
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = subprocess.Popen(
                [sys.executable, "-B", "-m", _PROGRAM, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which then ends it
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    @property
    def runs(self) -> bool:
        """Whether it is still alive."""
        return self.process.poll() is None

    def end(self) -> None:
        """Close the socket, which asks it to end, and wait until it has; then kill it."""
        self.control.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
