"""Object storage, as the services see it: bytes by key.

* :class:`~libs.common.storage.folder.FolderStorage` for standalone
* :class:`~libs.common.storage.s3.s3_storage.S3Storage` for deployments
* :class:`~libs.common.storage.memory.MemoryStorage` for tests

All three pass one contract suite. An object is replaced as a whole or not at all: a reader never
sees half of one, and a write that fails leaves what was there.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from libs.common.contracts.base import ObjectRef
from libs.common.errors import ObjectCorrupt


class Storage(Protocol):
    """Objects by key.

    Keys are checked by :func:`libs.common.storage.keys.check_key`. Besides the errors named below,
    every method raises Unavailable or Throttled when trying again may help, and Permanent when it
    will not: a key that is none, credentials that are refused.
    """

    async def read(self, key: str) -> bytes:
        """Return a whole object; for small ones, :meth:`stream` the others.

        Raises:
            ObjectNotFound: Nothing is stored there.
        """
        ...

    async def read_some(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return those of the objects that exist, by key; for small ones."""
        ...

    async def write(
        self, key: str, data: bytes, media_type: str = "application/octet-stream"
    ) -> ObjectRef:
        """Store ``data``, replacing what was there."""
        ...

    async def write_some(
        self, objects: Mapping[str, bytes], media_type: str = "application/octet-stream"
    ) -> list[ObjectRef]:
        """Store small objects by key, replacing what was there; some may be when it fails."""
        ...

    async def write_stream(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        media_type: str,
        max_bytes: int | None = None,
    ) -> ObjectRef:
        """Store chunks of any size as they come, in bounded memory.

        Raises:
            Rejected: With code ``too_large``, after ``max_bytes``; nothing is stored then.
        """
        ...

    async def write_file(self, key: str, path: Path, media_type: str) -> ObjectRef:
        """Store a local file, in bounded memory.

        It may become the object itself: it can be removed afterwards, but must not be changed.
        """
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, in blocks.

        What lies behind the end of the object is left out.

        Raises:
            ObjectNotFound: Nothing is stored there; raised when the first block is asked for.
        """
        ...

    async def fetch(self, key: str, path: Path) -> None:
        """Store a copy at ``path``, whole or not at all.

        Raises:
            ObjectNotFound: Nothing is stored there.
        """
        ...

    async def signed_url(
        self, key: str, *, expires_s: int, media_type: str, disposition: str | None = None
    ) -> str | None:
        """Return a URL at which anybody may GET an object, or a range of it, for ``expires_s``.

        It is answered with this media type and Content-Disposition, and as private. The URL is a
        secret as long as it is good, and cannot be revoked. Whether the object exists is not asked.

        Returns:
            None if what is stored here can be had from nobody else.
        """
        ...

    async def stat(self, key: str) -> int | None:
        """Return the size in bytes, or None if nothing is stored there."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object and all versions of it; it is fine if there is none."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove all objects whose key begins with ``prefix`` and return how many there were.

        Earlier versions of them go too, and what writes that were never completed have stored.

        Raises:
            Permanent: ``prefix`` is empty: nobody means to remove everything.
        """
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys that begin with ``prefix``, in the order of their code points."""
        ...

    async def remove_leftovers(self) -> None:
        """Remove what killed processes left of their writes, and nothing that is being written."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...

    async def check(self) -> None:
        """Return if objects can be stored now; for readiness.

        Raises:
            Unavailable: They cannot; the message shows no address, path or secret.
        """
        ...


async def read_verified(storage: Storage, ref: ObjectRef) -> bytes:
    """Return the object of a reference.

    Raises:
        ObjectNotFound: It is gone.
        ObjectCorrupt: It is not what the reference promised.
    """
    data = await storage.read(ref.key)
    if len(data) != ref.size or sha256(data).hexdigest() != ref.sha256:
        raise ObjectCorrupt(ref.key)
    return data
