"""What the storages do with local files. Everything here blocks and belongs in a thread."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Literal
from uuid import uuid4

from libs.common.errors import ObjectNotFound, Permanent, Unavailable
from libs.common.storage.keys import is_part

READ_BYTES = 1 << 20

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


def append(path: Path, block: bytes) -> None:
    """Write all of ``block`` to the end of a file, making it and the folders above it."""
    with _opened(path, "ab") as file:
        view = memoryview(block)
        while view:
            view = view[file.write(view) :]


def copy_measured(source: FileIO, target: Path) -> tuple[str, int]:
    """Copy the rest of a file over another, which is made with the folders above it.

    Returns:
        The SHA-256 in hexadecimal, and the size in bytes, of what was copied.
    """
    digest, size = hashlib.sha256(), 0
    with _opened(target, "wb") as copy_of:
        while block := source.read(READ_BYTES):
            digest.update(block)
            view = memoryview(block)
            while view:
                view = view[copy_of.write(view) :]
            size += len(block)
    return digest.hexdigest(), size


def measured(source: FileIO) -> tuple[str, int]:
    """Return the SHA-256 in hexadecimal, and the size in bytes, of the rest of a file."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(READ_BYTES):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def linked(source: Path, target: Path) -> bool:
    """Give a file a second name; False where that cannot be done, as on another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all, making the folders above ``target``."""
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        discard(part)


def start(path: Path) -> None:
    """Make an empty file and the folders above it."""
    try:
        path.touch()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _opened(path: Path, mode: Literal["ab", "wb"]) -> FileIO:
    try:
        return path.open(mode, buffering=0)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open(mode, buffering=0)


def size_of(path: Path) -> int | None:
    """Return a file's size in bytes, or None if there is no file."""
    try:
        found = path.stat()  # once: another process may remove it in between
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def discard(path: Path) -> None:
    """Remove a file; it is fine if there is none."""
    path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keys_below(folder: Path, lead: str, prefix: str) -> Iterator[str]:
    """Yield the keys of the files in ``folder``, whose own key is ``lead``, in code point order.

    A folder's name sorts with its slash, or ``a/b`` would come before ``a-b``. Files whose names
    cannot be in a key are not ours.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name + "/" * entry.is_dir() for entry in entries if is_part(entry.name)
            )
        for name in names:
            key = lead + name
            if not key.startswith(prefix[: len(key)]):
                continue
            if name.endswith("/"):
                yield from keys_below(folder / name, key, prefix)
            elif key.startswith(prefix):
                yield key


@contextlib.contextmanager
def translated(key: str) -> Iterator[None]:
    """Turn an OSError about the object ``key`` into an error of ours, which shows no path."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_FILE:
            raise ObjectNotFound(key) from error
        if error.errno in _FULL:
            raise Unavailable("the disk that holds the objects is full; free some space") from error
        if error.errno in _REFUSED:
            raise Permanent("the folder that holds the objects may not be used") from error
        reason = os.strerror(error.errno or errno.EIO)
        raise Unavailable(f"the disk that holds the objects fails: {reason}") from error
