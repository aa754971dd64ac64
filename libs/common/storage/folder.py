"""Objects as files under one folder: the storage of standalone.

An object is written to a file of its own under ``.incoming`` and renamed into place, so a crash
leaves no half of one. Everything that touches the disk runs in a thread. Each process has a folder
of its own under ``.incoming``, so that what a killed one left is told from what is being written.
"""

import contextlib
import errno
import hashlib
import shutil
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from libs.common.contracts.base import ObjectRef
from libs.common.errors import LecternError, ObjectNotFound, Permanent, Unavailable
from libs.common.storage import disk
from libs.common.storage.keys import check_key, check_prefix
from libs.common.storage.streams import (
    BLOCK_BYTES,
    Blocks,
    Measured,
    file_blocks,
    gathered,
    in_thread,
)
from libs.common.work_folders import LockedFolder, remove_unlocked

T = TypeVar("T")

KEYS_PER_TURN = 1_000
OBJECTS_PER_TURN = 64
MIN_FREE_BYTES = 64 * 1024 * 1024
COMMIT_ATTEMPTS = 20
INCOMING = ".incoming"

_IN_THE_WAY = (IsADirectoryError, NotADirectoryError, FileExistsError)


class FolderStorage:
    """See :class:`libs.common.storage.port.Storage`.

    Unlike a bucket, a folder cannot hold both ``a`` and ``a/b``: the second is refused. With
    ``fsync`` an object also survives a power cut, at some milliseconds each.
    """

    def __init__(self, root: Path, *, fsync: bool = False) -> None:
        self._root = root
        self._fsync = fsync
        self._incoming = LockedFolder(root / INCOMING)

    async def read(self, key: str) -> bytes:
        """See :class:`libs.common.storage.port.Storage`."""
        return await _on_disk(key, self._path(key).read_bytes)

    async def write(
        self, key: str, data: bytes, media_type: str = "application/octet-stream"
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        digest = await _on_disk(key, self._write_whole, self._path(key), data)
        return ObjectRef(key=key, sha256=digest, size=len(data), media_type=media_type)

    async def read_some(self, keys: Sequence[str]) -> dict[str, bytes]:
        """See :class:`libs.common.storage.port.Storage`."""
        paths = {key: self._path(key) for key in keys}
        found: dict[str, bytes] = {}
        for some in _turns(paths):
            found |= await _on_disk(
                some[0], self._read_those_there, {key: paths[key] for key in some}
            )
        return found

    async def write_some(
        self, objects: Mapping[str, bytes], media_type: str = "application/octet-stream"
    ) -> list[ObjectRef]:
        """See :class:`libs.common.storage.port.Storage`."""
        for key in objects:
            check_key(key)
        refs: list[ObjectRef] = []
        for some in _turns(objects):
            those = [(key, objects[key]) for key in some]
            digests = await _on_disk(some[0], self._write_those, those)
            refs += [
                ObjectRef(key=key, sha256=digest, size=len(data), media_type=media_type)
                for (key, data), digest in zip(those, digests, strict=True)
            ]
        return refs

    async def write_file(self, key: str, path: Path, media_type: str) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        digest, size = await in_thread(self._take_over, key, self._path(key), path)
        return ObjectRef(key=key, sha256=digest, size=size, media_type=media_type)

    async def write_stream(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        media_type: str,
        max_bytes: int | None = None,
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        target = self._path(key)
        part = await _on_disk(key, self._new_part)
        measured = Measured(chunks, max_bytes)
        try:
            await _on_disk(key, disk.start, part)
            async for block in gathered(measured, BLOCK_BYTES):
                await _on_disk(key, disk.append, part, block)
            await _on_disk(key, self._commit, part, target)
        finally:
            await _on_disk(key, disk.discard, part)
        return measured.ref(key, media_type)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> Blocks:
        """See :class:`libs.common.storage.port.Storage`."""
        blocks = file_blocks(self._path(key), start, end)
        async with contextlib.aclosing(blocks):
            with disk.translated(key):
                async for block in blocks:
                    yield block

    async def fetch(self, key: str, path: Path) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        await _on_disk(key, disk.copy, self._path(key), path)

    async def signed_url(
        self, key: str, *, expires_s: int, media_type: str, disposition: str | None = None
    ) -> str | None:
        """See :class:`libs.common.storage.port.Storage`."""
        check_key(key)
        return None

    async def stat(self, key: str) -> int | None:
        """See :class:`libs.common.storage.port.Storage`."""
        return await _on_disk(key, disk.size_of, self._path(key))

    async def delete(self, key: str) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        check_key(key)
        await _on_disk(key, self._remove, [key])

    async def delete_prefix(self, prefix: str) -> int:
        """See :class:`libs.common.storage.port.Storage`."""
        if not check_prefix(prefix):
            raise Permanent("refused to delete every object: the prefix is empty")
        removed = 0
        while some := await _on_disk(prefix, self._some, self._walk(prefix)):
            removed += await _on_disk(prefix, self._remove, some)
        return removed

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """See :class:`libs.common.storage.port.Storage`."""
        found = self._walk(check_prefix(prefix))
        while some := await _on_disk(prefix, self._some, found):
            for key in some:
                yield key

    async def check(self) -> None:
        """See :class:`libs.common.storage.port.Storage`; also asks for 64 MiB of free space."""
        try:
            await _on_disk("check", self._try_out)
        except LecternError as error:
            raise Unavailable(str(error)) from error

    async def remove_leftovers(self) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        await _on_disk("", remove_unlocked, self._root / INCOMING)

    async def close(self) -> None:
        """Let go of the folder for what is being written; it is made again when needed."""
        await in_thread(self._incoming.close)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _new_part(self) -> Path:
        """Return the path of a new file on the file system of the objects: renames are atomic."""
        return self._incoming.path / uuid4().hex

    def _read_those_there(self, paths: Mapping[str, Path]) -> dict[str, bytes]:
        found = {}
        for key, path in paths.items():
            with contextlib.suppress(ObjectNotFound), disk.translated(key):
                found[key] = path.read_bytes()
        return found

    def _write_those(self, objects: Sequence[tuple[str, bytes]]) -> list[str]:
        digests = []
        for key, data in objects:
            with disk.translated(key):
                digests.append(self._write_whole(self._path(key), data))
        return digests

    def _write_whole(self, target: Path, data: bytes) -> str:
        """Write a small object in one turn of a thread; return its SHA-256."""
        with self._part() as part:
            disk.append(part, data)
            self._commit(part, target)
        return hashlib.sha256(data).hexdigest()

    def _take_over(self, key: str, target: Path, source: Path) -> tuple[str, int]:
        """Link or copy a file in one turn of a thread; return its SHA-256 and size."""
        with source.open("rb", buffering=0) as file:  # missing, it is no missing object
            with disk.translated(key), self._part() as part:
                if disk.linked(source, part):
                    measured = disk.measured(file)
                else:
                    measured = disk.copy_measured(file, part)
                self._commit(part, target)
                disk.discard(part)  # still there if both names were of one file already
            return measured

    @contextlib.contextmanager
    def _part(self) -> Iterator[Path]:
        """Lend the path of a file to be made, removed if the block fails."""
        part = self._new_part()
        try:
            yield part
        except BaseException:
            disk.discard(part)
            raise

    def _commit(self, part: Path, target: Path) -> None:
        if self._fsync:
            disk.sync(part)
        for attempt in range(1, COMMIT_ATTEMPTS + 1):
            try:
                if attempt > 1:
                    target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
                break
            except FileNotFoundError:  # a new folder, or a delete removed one that became empty
                if attempt == COMMIT_ATTEMPTS:
                    raise
            except _IN_THE_WAY as error:
                raise Permanent("a folder cannot hold both a key and keys below it") from error
        if self._fsync:
            disk.sync(target.parent)

    def _walk(self, prefix: str) -> Iterator[str]:
        folder, slash, _ = prefix.rpartition("/")
        return disk.keys_below(self._root / folder, folder + slash, prefix)

    def _some(self, keys: Iterator[str]) -> list[str]:
        return list(islice(keys, KEYS_PER_TURN))

    def _remove(self, keys: list[str]) -> int:
        """Remove files, and the folders that are empty then; return how many files there were."""
        removed, folders = 0, set[Path]()
        for path in map(self._path, keys):
            if disk.size_of(path) is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                removed += 1
                folders.add(path.parent)
        for folder in folders:
            self._prune(folder)
        return removed

    def _prune(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # not empty, or gone already
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    def _try_out(self) -> None:
        part = self._new_part()
        try:
            disk.append(part, b"check")
        finally:
            disk.discard(part)
        if shutil.disk_usage(self._root).free < MIN_FREE_BYTES:
            raise OSError(errno.ENOSPC, "almost full")


def _turns(keys: Iterable[str]) -> Iterator[list[str]]:
    """Cut keys into what one turn of a thread takes, so that others get theirs."""
    left = list(keys)
    for first in range(0, len(left), OBJECTS_PER_TURN):
        yield left[first : first + OBJECTS_PER_TURN]


async def _on_disk(key: str, function: Callable[..., T], *args: object) -> T:
    with disk.translated(key):
        return await in_thread(function, *args)
