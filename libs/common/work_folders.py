"""Folders of processes at work, which are told from those of processes that were killed.

    lectern-x.lock   locked by flock as long as the process lives
    lectern-x/       what it works on

The system lets go of the lock however a process ends. A process id would not do: containers that
share a file system number their processes alike. Everything here blocks.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

PREFIX = "lectern-"
LOCK = ".lock"


class LockedFolder:
    """A folder in ``parent``, made when first used; nobody else removes it until it is closed.

    It is safe to use from several threads, and is another one when it is used after closing.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._making = Lock()
        self._held: tuple[int, Path] | None = None

    @property
    def path(self) -> Path:
        """Where it is. Raises OSError if it cannot be made."""
        with self._making:
            if self._held is None:
                self._held = _new_folder(self._parent)
            return _folder_of(self._held[1])

    def close(self) -> None:
        """Remove it with all that is in it."""
        with self._making:
            if self._held is not None:
                handle, lock = self._held
                _remove(lock)
                os.close(handle)
                self._held = None


@contextmanager
def work_folder() -> Iterator[Path]:
    """Lend a folder for temporary files, which is removed at the end.

    If the process is killed, :func:`remove_left_work_folders` removes it.
    """
    folder = LockedFolder(Path(tempfile.gettempdir()))
    try:
        yield folder.path
    finally:
        folder.close()


def remove_left_work_folders() -> None:
    """Remove those that killed processes left."""
    remove_unlocked(Path(tempfile.gettempdir()))


def remove_unlocked(parent: Path) -> None:
    """Remove the folders in ``parent`` that no process has locked any more."""
    for lock in parent.glob(f"{PREFIX}*{LOCK}"):
        with suppress(OSError):  # gone, locked, or of another user
            _remove_if_unlocked(lock)


def _remove_if_unlocked(lock: Path) -> None:
    handle = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(lock)
    finally:
        os.close(handle)


def _folder_of(lock: Path) -> Path:
    return lock.with_suffix("")


def _new_folder(parent: Path) -> tuple[int, Path]:
    handle, lock = _new_lock(parent)
    try:
        _folder_of(lock).mkdir(mode=0o700)
    except OSError:
        lock.unlink(missing_ok=True)
        os.close(handle)
        raise
    return handle, lock


def _new_lock(parent: Path) -> tuple[int, Path]:
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=LOCK, dir=parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # somebody removed it before it was locked


def _remove(lock: Path) -> None:
    """Remove a folder and then its lock, which is kept while anything is left of the folder."""
    folder = _folder_of(lock)
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        lock.unlink(missing_ok=True)
