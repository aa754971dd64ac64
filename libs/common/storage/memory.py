"""Objects kept in a dict: the fake for tests, under the same contract suite as the real ones."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from pathlib import Path

from libs.common.contracts.base import ObjectRef
from libs.common.errors import ObjectNotFound, Permanent
from libs.common.storage.keys import check_key, check_prefix
from libs.common.storage.streams import BLOCK_BYTES, Blocks, Measured, file_blocks, one, save


class MemoryStorage:
    """See :class:`libs.common.storage.port.Storage`."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects if objects is not None else {}

    async def read(self, key: str) -> bytes:
        """See :class:`libs.common.storage.port.Storage`."""
        try:
            return self.objects[check_key(key)]
        except KeyError:
            raise ObjectNotFound(key) from None

    async def write(
        self, key: str, data: bytes, media_type: str = "application/octet-stream"
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        return await self.write_stream(key, one(data), media_type)

    async def read_some(self, keys: Sequence[str]) -> dict[str, bytes]:
        """See :class:`libs.common.storage.port.Storage`."""
        return {key: self.objects[key] for key in map(check_key, keys) if key in self.objects}

    async def write_some(
        self, objects: Mapping[str, bytes], media_type: str = "application/octet-stream"
    ) -> list[ObjectRef]:
        """See :class:`libs.common.storage.port.Storage`."""
        for key in objects:
            check_key(key)
        return [await self.write(key, data, media_type) for key, data in objects.items()]

    async def write_stream(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        media_type: str,
        max_bytes: int | None = None,
    ) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        check_key(key)
        measured = Measured(chunks, max_bytes)
        self.objects[key] = b"".join([chunk async for chunk in measured])
        return measured.ref(key, media_type)

    async def write_file(self, key: str, path: Path, media_type: str) -> ObjectRef:
        """See :class:`libs.common.storage.port.Storage`."""
        return await self.write_stream(key, file_blocks(path), media_type)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> Blocks:
        """See :class:`libs.common.storage.port.Storage`."""
        data = (await self.read(key))[start:end]
        for at in range(0, len(data), BLOCK_BYTES):
            yield data[at : at + BLOCK_BYTES]

    async def fetch(self, key: str, path: Path) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        await save(self.stream(key), path)

    async def signed_url(
        self, key: str, *, expires_s: int, media_type: str, disposition: str | None = None
    ) -> str | None:
        """See :class:`libs.common.storage.port.Storage`."""
        check_key(key)
        return None

    async def stat(self, key: str) -> int | None:
        """See :class:`libs.common.storage.port.Storage`."""
        data = self.objects.get(check_key(key))
        return None if data is None else len(data)

    async def delete(self, key: str) -> None:
        """See :class:`libs.common.storage.port.Storage`."""
        self.objects.pop(check_key(key), None)

    async def delete_prefix(self, prefix: str) -> int:
        """See :class:`libs.common.storage.port.Storage`."""
        if not check_prefix(prefix):
            raise Permanent("refused to delete every object: the prefix is empty")
        doomed = [key for key in self.objects if key.startswith(prefix)]
        for key in doomed:
            del self.objects[key]
        return len(doomed)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """See :class:`libs.common.storage.port.Storage`."""
        check_prefix(prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield key

    async def check(self) -> None:
        """See :class:`libs.common.storage.port.Storage`."""

    async def remove_leftovers(self) -> None:
        """Nothing outlives the process."""

    async def close(self) -> None:
        """Nothing is held open."""
