"""Server processes of the native way to run: found ports, started, awaited and ended."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
STOP_TIMEOUT_S = 20.0
LOG_TAIL_LINES = 20


class ServerMissing(Exception):
    """This machine lacks what a server needs; the message says what to install."""


class ServerFailed(Exception):
    """A server did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: where, as whom, with which signal it ends in an orderly way."""

    name: str
    command: Sequence[str]
    log: Path
    user: str | None = None
    directory: Path | None = None
    environment: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM


class ServerProcess:
    """A process in a session of its own, so that Ctrl-C reaches it only through :meth:`stop`.

    ``guarded`` ends it also if this process is killed: a shell reads a pipe whose other end is
    ours, and signals the server when the pipe closes.
    """

    def __init__(self, program: Program, *, guarded: bool) -> None:
        self.program = program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self._process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=program.user,
                cwd=program.directory,
                env={**os.environ, **(program.environment or {})},
            )
        self._guard = _guard(self._process.pid, program.stop_signal) if guarded else None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once ``ready()``, which is asked often.

        Raises:
            ServerFailed: It ended before, or is not ready within ``timeout_s``; it is stopped.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self._process.poll()  # first: another's server may answer in its place
            if ended is None and ready():
                return
            if ended is not None or time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        why = f"not ready after {timeout_s:.0f} s" if ended is None else f"exited with {ended}"
        self.stop()
        raise ServerFailed(f"{self.program.name} {why}:\n{_tail(self.program.log)}")

    @property
    def exit_code(self) -> int | None:
        """What it exited with, minus the signal that killed it, or None while it runs."""
        return self._process.poll()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """End it in order, or by force after a while; return its exit code. Twice is fine."""
        self._dismiss_guard()
        if self._process.poll() is None:
            self._process.send_signal(self.program.stop_signal)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself, end it by force after a while; return its exit code."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._dismiss_guard()
        return self._process.wait()

    def kill(self) -> None:
        """End it at once, with no chance to put anything in order."""
        self._dismiss_guard()
        self._process.kill()
        self._process.wait()

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()  # before the server ends and its id may belong to another
            self._guard.communicate()
            self._guard = None

    def leave_running(self) -> None:
        """Let it outlive this process; its id is the caller's to remember."""
        self._process.returncode = 0  # else Popen warns that it still runs


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on; held together, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [int(bound.getsockname()[1]) for bound in sockets]


def run(
    command: Sequence[str],
    *,
    user: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a short program to its end and return its output; ``environment`` adds to ours.

    Raises:
        ServerFailed: It exited with another code than 0; the message ends with its output.
    """
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        user=user,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        text=True,
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-LOG_TAIL_LINES:])
        raise ServerFailed(f"{Path(command[0]).name} exited with {done.returncode}:\n{last}")
    return done.stdout


def _guard(pid: int, stop_signal: signal.Signals) -> subprocess.Popen[bytes]:
    script = f"cat >/dev/null; kill -{int(stop_signal)} {pid}"
    return subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-LOG_TAIL_LINES:])
