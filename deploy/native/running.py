"""What ``up`` started, written down so that ``down`` ends exactly that."""

import json
import shutil
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from libs.common.testing.processes import POLL_S, ServerProcess

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".native"

END_TIMEOUT_S = 30.0
"""Services drain for up to 25 s."""

SAME_START_S = 1.0
"""A process id is taken again one day; a process that started at another time is another one."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """One process: its id, when it started (Unix time, seconds), and the signal that ends it."""

    name: str
    pid: int
    started_at: float
    stop_signal: int

    @classmethod
    def of(cls, server: ServerProcess) -> "Started":
        """Describe a running server."""
        started_at = psutil.Process(server.pid).create_time()
        program = server.program
        return cls(
            name=program.name,
            pid=server.pid,
            started_at=started_at,
            stop_signal=int(program.stop_signal),
        )

    def process(self) -> psutil.Process | None:
        """The process, unless it has ended."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started_at) < SAME_START_S
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class Running:
    """Everything that one ``up`` started, in the order of starting, and made."""

    processes: list[Started] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)

    def alive(self) -> list[Started]:
        """Those that still run."""
        return [started for started in self.processes if started.process() is not None]

    def save(self, path: Path) -> None:
        """Write ``pids.json``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Running":
        """Read ``pids.json``; nothing runs where there is none."""
        if not path.exists():
            return cls()
        found = json.loads(path.read_text())
        return cls([Started(**fields) for fields in found["processes"]], found["directories"])


def end(running: Running) -> list[str]:
    """End the processes, the latest first, remove their data, and return the names of the ended.

    Services drain before the servers that they use are gone.
    """
    ended = [started.name for started in reversed(running.processes) if _end(started)]
    _remove(running.directories)
    return ended


def _end(started: Started) -> bool:
    process = started.process()
    if process is None:
        return False
    process.send_signal(signal.Signals(started.stop_signal))
    deadline = time.monotonic() + END_TIMEOUT_S
    # Not process.wait(): where nobody reaps orphans, an ended one stays visible as a zombie.
    while started.process() is not None:
        if time.monotonic() > deadline:
            process.kill()
            break
        time.sleep(POLL_S)
    return True


def _remove(directories: Iterable[str]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
