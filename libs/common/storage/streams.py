"""Streams of bytes, and how blocking calls leave the event loop."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar
from uuid import uuid4

from libs.common.contracts.base import ObjectRef
from libs.common.storage import disk
from libs.common.storage.keys import too_large

T = TypeVar("T")
Blocks: TypeAlias = AsyncGenerator[bytes, None]

BLOCK_BYTES = 512 * 1024


async def in_thread(function: Callable[..., T], *args: object, pool: Executor | None = None) -> T:
    """Run a blocking call in a thread of ``pool``, or of asyncio's own.

    When cancelled, it first waits for the call: no file or connection is let go of while in use.
    """
    running = asyncio.get_running_loop().run_in_executor(pool, function, *args)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        with contextlib.suppress(Exception):  # the cancellation is what the caller is told
            running.result()
        raise


async def one(data: bytes) -> Blocks:
    """Yield ``data`` and nothing else."""
    yield data


async def gathered(chunks: AsyncIterable[bytes], size: int) -> Blocks:
    """Yield the same bytes in blocks of exactly ``size``, but for a shorter last one."""
    held = bytearray()
    async for chunk in chunks:
        view = memoryview(chunk)
        while view:
            taken = size - len(held)
            held += view[:taken]
            view = view[taken:]
            if len(held) == size:
                yield bytes(held)
                held = bytearray()
    if held:
        yield bytes(held)


async def file_blocks(path: Path, start: int = 0, end: int | None = None) -> Blocks:
    """Yield a file's bytes from ``start`` up to, not including, ``end``."""
    file: BinaryIO = await in_thread(path.open, "rb", 0)
    try:
        await in_thread(file.seek, start)
        left = None if end is None else max(0, end - start)
        while block := await in_thread(file.read, _at_most(left)):
            yield block
            left = None if left is None else left - len(block)
    finally:
        await in_thread(file.close)


async def save(chunks: AsyncIterable[bytes], path: Path) -> None:
    """Write ``path``, whole or not at all, making the folders above it."""
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        await in_thread(disk.start, part)
        async for chunk in chunks:
            await in_thread(disk.append, part, chunk)
        await in_thread(part.replace, path)
    finally:
        await in_thread(disk.discard, part)


class Measured:
    """Passes chunks on, and keeps their size and digest.

    Iterating raises Rejected with code ``too_large`` as soon as there are more than ``max_bytes``.
    """

    def __init__(self, chunks: AsyncIterable[bytes], max_bytes: int | None) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._size = 0

    async def __aiter__(self) -> Blocks:
        async for chunk in self._chunks:
            self._size += len(chunk)
            if self._max_bytes is not None and self._size > self._max_bytes:
                raise too_large(self._max_bytes)
            if len(chunk) > BLOCK_BYTES:
                await in_thread(self._digest.update, chunk)
            else:
                self._digest.update(chunk)
            yield chunk

    def ref(self, key: str, media_type: str) -> ObjectRef:
        """Return a reference to what was passed on, stored under ``key``."""
        digest = self._digest.hexdigest()
        return ObjectRef(key=key, sha256=digest, size=self._size, media_type=media_type)


def _at_most(left: int | None) -> int:
    return BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)
