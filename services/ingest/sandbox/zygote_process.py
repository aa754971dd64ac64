"""The process of the zygote, as those who start it see it."""

import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from services.ingest.sandbox.kernel import calls

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class ZygoteProcess:
    """A zygote, and our end of the socket that it serves, which does not block."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket

    @property
    def runs(self) -> bool:
        """Whether it is still alive."""
        return self.process.poll() is None

    def end(self, patience_s: float) -> None:
        """Close the socket, which asks it to end, and wait until it has; then kill it."""
        self.control.close()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_ahead: list[ZygoteProcess] = []


def start_ahead() -> None:
    """Start a zygote for the first sandbox of this process: it loads while we do other things."""
    _ahead.append(_start())


def take() -> ZygoteProcess:
    """Return the zygote that was started ahead, if it still lives, or start one.

    Raises:
        OSError: The system cannot start a process.
    """
    while _ahead:
        waiting = _ahead.pop()
        if waiting.runs:
            return waiting
        waiting.control.close()
    return _start()


def keep_others_out() -> None:
    """Let no process of the same user read our environment or memory, or trace us (Linux only).

    A parser is such a process where it has no user of its own. The price: no core dumps, and only
    root may attach a debugger.
    """
    with contextlib.suppress(OSError):
        calls.prctl(calls.PR_SET_DUMPABLE, 0)


def environment_of_zygote() -> dict[str, str]:
    """Return what a zygote is told of our environment: nothing that could be secret."""
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _start() -> ZygoteProcess:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    try:
        # A program of its own, not a fork of the service: it must not know secrets or sockets.
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "services.ingest.sandbox.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment_of_zygote(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the service, which then ends it
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ZygoteProcess(process, ours)
