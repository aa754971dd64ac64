"""Objects in a bucket: S3, or any server that speaks its protocol.

boto3 blocks, so every call runs in a pool of threads of this storage. An upload is cut into parts
of 8 MiB, of which at most four are in memory, whatever the size of the object.

Removed means gone: from a bucket that keeps versions all of them are removed, and below a prefix
also the parts of uploads that a killed process did not complete.
"""

import asyncio
import contextlib
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from libs.common.contracts.base import ObjectRef
from libs.common.errors import LecternError, ObjectNotFound, Permanent, Unavailable
from libs.common.storage.keys import check_key, check_prefix
from libs.common.storage.s3.answers import translated
from libs.common.storage.s3.bucket import Bucket, MultipartUpload
from libs.common.storage.s3.concurrent_calls import all_of, settled
from libs.common.storage.streams import (
    BLOCK_BYTES,
    Blocks,
    Measured,
    file_blocks,
    gathered,
    in_thread,
    one,
    save,
)

T = TypeVar("T")

THREADS = 16
VERSIONING_KNOWN_S = 60.0
"""So that removing objects one by one does not take two calls each."""
PART_BYTES = 8 * 1024 * 1024
PARTS_IN_FLIGHT = 2


class S3Storage:
    """See :class:`.port.Storage`. It connects when first used; close it at the end.

    ``endpoint`` is the URL of a server other than Amazon's. Without keys, boto3 looks for
    credentials in its usual places.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key_id: SecretStr | None = None,
        secret_access_key: SecretStr | None = None,
    ) -> None:
        self._bucket = Bucket(
            bucket,
            endpoint=endpoint,
            region=region,
            access_key_id=_plain(access_key_id),
            secret_access_key=_plain(secret_access_key),
        )
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")

    async def read(self, key: str) -> bytes:
        """See :class:`libs.common.storage.port.Storage`."""
        return b"".join([block async for block in self.stream(key)])

    async def write(
        self, key: str, data: bytes, media_type: str = "application/octet-stream"
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        return await self.write_stream(key, one(data), media_type)

    async def read_some(self, keys: Sequence[str]) -> dict[str, bytes]:
        """See :class:`libs.common.storage.port.Storage`."""
        for key in keys:
            check_key(key)
        found = await all_of([partial(self._read_if_there, key) for key in keys], THREADS)
        return {key: data for key, data in zip(keys, found, strict=True) if data is not None}

    async def write_some(
        self, objects: Mapping[str, bytes], media_type: str = "application/octet-stream"
    ) -> list[ObjectRef]:
        """See :class:`libs.common.storage.port.Storage`."""
        for key in objects:
            check_key(key)
        return await all_of(
            [partial(self.write, key, data, media_type) for key, data in objects.items()], THREADS
        )

    async def write_file(self, key: str, path: Path, media_type: str) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        return await self.write_stream(key, file_blocks(path), media_type)

    async def write_stream(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        media_type: str,
        max_bytes: int | None = None,
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        measured = Measured(chunks, max_bytes)
        parts = gathered(measured, PART_BYTES)
        upload = MultipartUpload(key=check_key(key), media_type=media_type)
        first = await anext(parts, b"")
        if len(first) < PART_BYTES:
            await self._call(key, self._bucket.put, key, first, media_type)
        else:
            await self._in_parts(upload, first, parts)
        return measured.ref(key, media_type)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> Blocks:
        """See :class:`libs.common.storage.port.Storage`."""
        body = await self._call(key, self._bucket.open, check_key(key), start, end)
        if body is None:
            return
        try:
            while block := await self._call(key, body.read, BLOCK_BYTES):
                yield block
        finally:
            await self._call(key, body.close)

    async def fetch(self, key: str, path: Path) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        await save(self.stream(key), path)

    async def signed_url(
        self, key: str, *, expires_s: int, media_type: str, disposition: str | None = None
    ) -> str | None:
        """See :class:`libs.common.storage.port.Storage`."""
        shown = {"ResponseContentType": media_type, "ResponseCacheControl": "private"}
        if disposition is not None:
            shown["ResponseContentDisposition"] = disposition
        return await self._call(key, self._bucket.signed_url, check_key(key), expires_s, shown)

    async def stat(self, key: str) -> int | None:
        """See :class:`libs.common.storage.port.Storage`."""
        try:
            return await self._call(key, self._bucket.size, check_key(key))
        except ObjectNotFound:
            return None

    async def delete(self, key: str) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        await self._call(key, self._bucket.delete, [check_key(key)])
        if await self._call("", self._bucket.versioned, VERSIONING_KNOWN_S):
            await self._call(key, self._bucket.delete_versions, key, key)

    async def delete_prefix(self, prefix: str) -> int:
        """See :class:`libs.common.storage.port.Storage`."""
        if not check_prefix(prefix):
            raise Permanent("refused to delete every object: the prefix is empty")
        failures: list[LecternError] = []
        removed = await self._delete_objects(prefix, failures)
        for remove in (self._delete_versions, self._abort_uploads):
            await _tried(remove(prefix), failures)
        for failure in failures:
            raise failure
        return removed

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """See :class:`libs.common.storage.port.Storage`."""
        async for some in self._pages(check_prefix(prefix)):
            for key in some:
                yield key

    async def check(self) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        try:
            await self._call("", self._bucket.exists)
            await self._call("", self._bucket.may_list)  # asked before anything is removed
        except LecternError as error:
            raise Unavailable(str(error)) from error

    async def remove_leftovers(self) -> None:
        """Parts go when what they belong to is erased, or by a lifecycle rule of the bucket."""

    async def close(self) -> None:
        """Wait for calls under way and close the connections."""
        await asyncio.to_thread(self._pool.shutdown)
        self._bucket.close()

    async def _read_if_there(self, key: str) -> bytes | None:
        try:
            return await self.read(key)
        except ObjectNotFound:
            return None

    async def _call(self, key: str, function: Callable[..., T], *args: object) -> T:
        """Run a blocking call in the pool; ``key`` is for the message when nothing is there."""
        with translated(key):
            return await in_thread(function, *args, pool=self._pool)

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        token = ""
        while True:
            some, token = await self._call("", self._bucket.page, prefix, token)
            if some:
                yield some
            if not token:
                return

    async def _delete_objects(self, prefix: str, failures: list[LecternError]) -> int:
        removed = 0

        async def remove(keys: list[str]) -> None:
            nonlocal removed
            await self._call(prefix, self._bucket.delete, keys)
            removed += len(keys)

        async def remove_all() -> None:
            async for keys in self._pages(prefix):
                await _tried(remove(keys), failures)

        await _tried(remove_all(), failures)
        return removed

    async def _delete_versions(self, prefix: str) -> None:
        if await self._call("", self._bucket.versioned):
            await self._call(prefix, self._bucket.delete_versions, prefix)

    async def _abort_uploads(self, prefix: str) -> None:
        await self._call(prefix, self._bucket.abort_uploads, prefix)

    async def _in_parts(
        self, upload: MultipartUpload, first: bytes, rest: AsyncIterator[bytes]
    ) -> None:
        """Upload part by part; nothing is left behind when that fails or is cancelled."""
        sending = set[asyncio.Future[None]]()
        try:
            await self._call(upload.key, self._bucket.begin, upload)
            sending.add(self._sent(upload, 1, first))
            number = 1
            async for block in rest:
                number += 1
                sending = await settled(sending, PARTS_IN_FLIGHT - 1)
                sending.add(self._sent(upload, number, block))
            await settled(sending, 0)
            await self._call(upload.key, self._bucket.complete, upload)
        except BaseException:
            for part in sending:
                part.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
            if upload.id:
                with contextlib.suppress(LecternError):  # what went wrong first is told
                    await self._call(upload.key, self._bucket.abort, upload.key, upload.id)
            raise

    def _sent(self, upload: MultipartUpload, number: int, block: bytes) -> asyncio.Future[None]:
        return asyncio.ensure_future(
            self._call(upload.key, self._bucket.send_part, upload, number, block)
        )


async def _tried(removal: Awaitable[None], failures: list[LecternError]) -> None:
    """Remove something; what keeps it from being removed is to keep nothing else."""
    try:
        await removal
    except LecternError as error:
        failures.append(error)


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
