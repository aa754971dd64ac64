"""A program of ours in a process of its own, and the socket that it serves.

Not a fork of the service: a fork server must not know secrets or sockets.
"""

import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from services.ingest.sandbox.kernel import calls

ZYGOTE = "services.ingest.sandbox.zygote"
"""The module that parses documents, named where it can be started before it is loaded."""
STOP_SECONDS = 5.0

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class ForkServerProcess:
    """A fork server that runs ``program``, and our end of its socket, which does not block."""

    program: str
    process: "subprocess.Popen[bytes]"
    control: socket.socket

    @property
    def runs(self) -> bool:
        """Whether it is still alive."""
        return self.process.poll() is None

    def end(self, patience_s: float = STOP_SECONDS) -> None:
        """Close the socket, which asks it to end, and wait until it has; then kill it."""
        self.control.close()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_ahead: list[ForkServerProcess] = []


def start_ahead(program: str) -> None:
    """Start a fork server for the first that takes it: it loads while we do other things."""
    _ahead.append(_start(program))


def take(program: str) -> ForkServerProcess:
    """Return the fork server that was started ahead, if it still lives, or start one.

    ``program`` is a module that serves the socket whose number is its argument.

    Raises:
        OSError: The system cannot start a process.
    """
    for waiting in [server for server in _ahead if server.program == program]:
        _ahead.remove(waiting)
        if waiting.runs:
            return waiting
        waiting.control.close()
    return _start(program)


def keep_others_out() -> None:
    """Let no process of the same user read our environment or memory, or trace us (Linux only).

    A confined process is such a one where it has no user of its own. The price: no core dumps, and
    only root may attach a debugger.
    """
    with contextlib.suppress(OSError):
        calls.prctl(calls.PR_SET_DUMPABLE, 0)


def environment_of_server() -> dict[str, str]:
    """Return what a server is told of our environment: nothing that could be secret."""
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _start(program: str) -> ForkServerProcess:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    try:
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", program, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment_of_server(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the service, which then ends it
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ForkServerProcess(program=program, process=process, control=ours)
