"""The ``lectern`` command as somebody at a terminal runs it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 100.0
"""Far more than any command needs, also on a machine that others keep busy."""
POLL_S = 0.02
LOOK_EVERY_S = 0.3


@dataclass(frozen=True)
class Done:
    """A command that has ended. ``code`` is negative when a signal killed it."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """Standard output, which is one JSON object and nothing else."""
        assert self.stdout, f"no result, code {self.code}: {self.stderr}"
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass(kw_only=True)
class Command:
    """A command that runs."""

    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path
    family: dict[int, psutil.Process] = field(default_factory=dict)
    _looked: float = 0.0

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def look_around(self) -> None:
        """Remember which processes it has started so far."""
        try:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                self.family.setdefault(child.pid, child)
        except psutil.NoSuchProcess:
            return

    def _glance(self) -> None:
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self._looked = time.monotonic()
            self.look_around()

    def wait_until(self, seen: Callable[[], bool]) -> None:
        """Return when ``seen()`` or when the command has ended."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.running and not seen():
            assert time.monotonic() < deadline, self.errors()
            self._glance()
            time.sleep(POLL_S)

    def errors(self) -> str:
        return self.stderr.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process only."""
        self.look_around()
        self.process.send_signal(number)

    def interrupt(self) -> None:
        """Press Ctrl-C: the signal goes to the whole process group."""
        self.look_around()
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, timeout_s: float = TIMEOUT_S) -> Done:
        """Wait for the end and return what came of it."""
        deadline = time.monotonic() + timeout_s
        while self.running:
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"still running after {timeout_s:.0f} s: {self.errors()}")
            self._glance()
            time.sleep(POLL_S)
        return Done(self.process.returncode, self.stdout.read_text(), self.errors())

    def survivors(self, patience_s: float) -> list[str]:
        """Return the processes of it that are still there after ``patience_s``."""
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=patience_s)
        return [_described(process) for process in alive if _is_alive(process)]


@dataclass(frozen=True)
class Lectern:
    """Runs commands in a folder, with temporary files in another that can be inspected."""

    folder: Path
    temporary: Path

    @contextmanager
    def start(self, *arguments: object, env: Mapping[str, str] | None = None) -> Iterator[Command]:
        """Start a command; whatever of it is left at the end is killed."""
        stdout, stderr = self.folder / ".stdout", self.folder / ".stderr"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "lectern", *map(str, arguments)],
                cwd=self.folder,
                env=self.environment(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        command = Command(process=process, stdout=stdout, stderr=stderr)
        guard = _end_with_us(process.pid)
        try:
            yield command
        finally:
            guard.kill()
            guard.communicate()
            command.look_around()
            process.kill()
            process.wait()
            for member in command.family.values():
                if _is_alive(member):
                    member.kill()

    def run(self, *arguments: object, env: Mapping[str, str] | None = None) -> Done:
        """Run a command to its end; it must leave nothing behind, whatever becomes of it."""
        with self.start(*arguments, env=env) as command:
            done = command.end()
            left = command.survivors(5.0)
        assert left == [], f"processes that outlived the command: {left}"
        assert self.leftovers() == [], "temporary files that outlived the command"
        return done

    def leftovers(self) -> list[str]:
        """What lies in the folders for temporary files."""
        found = [*self.temporary.iterdir(), *self.folder.glob("*/temporary/*")]
        return sorted(path.name for path in found)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """The environment of a clean account: no settings but ``more``."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            **kept,
            "HOME": str(home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(ROOT),
            **more,
        }


def _end_with_us(pid: int) -> subprocess.Popen[bytes]:
    """Kill a command when the tests are killed: a pipe closes whose other end is ours."""
    script = f"cat >/dev/null; kill -9 {pid}"
    return subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.NoSuchProcess:
        return f"{process.pid}: gone by now"
