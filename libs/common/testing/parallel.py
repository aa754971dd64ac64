"""pytest plugin: what the workers of a parallel run (``pytest -n auto``) do beside one another.

A worker gets test files one by one; the tests that run the whole come last and go to one worker,
which so starts their servers once. A test that runs alone has the machine for itself: every test
holds a lock, shared with all others or not.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from libs.common.testing.selection import runs_alone, runs_the_whole

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

FOLDER = pytest.StashKey[Path]()
FOLDER_OF_WORKER = "machine_lock"


class MachineLock:
    """Locks in a folder that several processes share, so that nobody waits for ever."""

    def __init__(self, folder: Path) -> None:
        self._queue = folder / "queue"
        self._machine = folder / "machine"

    @contextmanager
    def hold(self, *, alone: bool) -> Iterator[None]:
        """Hold the machine, alone or with others who do not want it alone.

        The queue is held while waiting, so that those who share cannot overtake who wants it alone.
        """
        with self._queue.open("a") as queue, self._machine.open("a") as machine:
            fcntl.flock(queue, fcntl.LOCK_EX)
            fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            fcntl.flock(queue, fcntl.LOCK_UN)
            yield


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Wait for the turn before the clock of the test's time limit starts."""
    folder = getattr(item.config, "workerinput", {}).get(FOLDER_OF_WORKER)
    if folder is None:
        return (yield)
    with MachineLock(Path(folder)).hold(alone=runs_alone(item)):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the locks are."""
    if FOLDER not in node.config.stash:
        node.config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="lectern-test-lock-"))
    node.workerinput[FOLDER_OF_WORKER] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the locks."""
    if FOLDER in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadFileScheduling":
    """Hand tests out by file, in the order of collection: what runs the whole comes last."""
    from xdist.scheduler import LoadFileScheduling

    class FilesThenWhole(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "whole" if runs_the_whole(config.rootpath / file, config.rootpath) else file

    config.option.loadscopereorder = False
    return FilesThenWhole(config, log)
