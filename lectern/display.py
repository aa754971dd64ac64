"""What somebody at a terminal sees while a document is being read."""

import sys
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class ReadingProgress:
    """How far a reading has come. ``pages`` is unknown until the document is parsed."""

    title: str
    ready: int
    found: int
    pages: int | None
    audio_ms: int
    stage: str


class Display(Protocol):
    """Shows how far a reading has come."""

    def show(self, progress: ReadingProgress) -> None:
        """Show how far it has come."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Live:
    """A bar that moves, on standard error."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID = self._progress.add_task("starting", total=None, detail="")
        self._progress.start()

    def show(self, progress: ReadingProgress) -> None:
        """Move the bar."""
        total = progress.pages
        of = total or (f"{progress.found}+" if progress.found else "?")
        self._progress.update(
            self._task,
            description=f"{progress.title[:40]}: {progress.stage}",
            total=total,
            completed=progress.ready,
            detail=f"{progress.ready}/{of} pages, {clock(progress.audio_ms)} of audio",
        )

    def close(self) -> None:
        """Leave the last state of the bar in place."""
        self._progress.stop()


@dataclass
class Lines:
    """A line now and then, where nothing can move: logs, pipes."""

    _last: float = field(default=float("-inf"))
    _stage: str = ""

    def show(self, progress: ReadingProgress) -> None:
        """Print a line when the stage changes, and every few seconds."""
        now = monotonic()
        if progress.stage == self._stage and now - self._last < LINE_EVERY_S:
            return
        self._last, self._stage = now, progress.stage
        of = progress.pages or "?"
        print(
            f"{progress.stage}: {progress.ready}/{of} pages, {clock(progress.audio_ms)} of audio",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Nothing to leave behind."""


class Silent:
    """Shows nothing."""

    def show(self, progress: ReadingProgress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to leave behind."""


def choose(quiet: bool) -> Display:
    """Return what suits where standard error goes."""
    if quiet:
        return Silent()
    return Live() if sys.stderr.isatty() else Lines()


def clock(ms: int) -> str:
    """Return a length as h:mm:ss."""
    seconds = round(ms / 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
