"""Reads members of an untrusted ZIP file, within limits. Nothing is ever unpacked to disk."""

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import unquote
from zlib import error as ZlibError

from services.ingest.pages.reasons import Reason, blames_file, rejected

MIB = 1024 * 1024
MAX_ENTRIES = 20_000
MAX_MEMBER_BYTES = 64 * MIB
MAX_TOTAL_BYTES = 256 * MIB
MAX_RATIO = 250
_RATIO_FREE_BYTES = 4 * MIB
_ENCRYPTED_FLAG = 0x1
_DAMAGE = (zipfile.BadZipFile, ZlibError, LZMAError, EOFError, ValueError, OverflowError)


class Archive:
    """A ZIP file that is read member by member, and stays open.

    Sizes are counted as they come out of the decompressor; what the directory claims is only
    believed when it is bad news.

    Raises:
        Rejected: the file is no ZIP, is damaged or encrypted, or unpacks to more than the limits.
    """

    def __init__(self, file: BinaryIO) -> None:
        with _bad_zip_rejected():
            self._zip = zipfile.ZipFile(file)
        self._left = MAX_TOTAL_BYTES
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            self._zip.close()
            raise rejected(Reason.TOO_LARGE, f"It has {len(infos)} parts.")
        self._infos = {info.filename: info for info in reversed(infos)}
        self._folded = {name.lower(): name for name in self._infos}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The names of all members, which may be anything at all."""
        return list(self._infos)

    def find(self, name: str, folder: str = "") -> str | None:
        """Return the member that a link ``name`` in ``folder`` means, or None.

        Links are percent-decoded, their fragment is cut off, and letter case is forgiven, as
        reading systems do.
        """
        bare = name.split("#", 1)[0].split("?", 1)[0]
        for candidate in (bare, unquote(bare)):
            joined = posixpath.normpath(posixpath.join(folder, candidate)).lstrip("/")
            if joined in self._infos:
                return joined
            if joined.lower() in self._folded:
                return self._folded[joined.lower()]
        return None

    def read(self, name: str) -> bytes:
        """Return the bytes of a member."""
        info = self._infos[name]
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise rejected(Reason.ENCRYPTED)
        limit = min(MAX_MEMBER_BYTES, self._left)
        suspicious = info.file_size > MAX_RATIO * max(info.compress_size, 1)
        if info.file_size > limit or (info.file_size > _RATIO_FREE_BYTES and suspicious):
            raise rejected(Reason.TOO_LARGE)
        data = self._unpack(info, limit)
        self._left -= len(data)
        return data

    def _unpack(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        with _bad_zip_rejected(), self._zip.open(info) as member:
            data = member.read(limit + 1)
        if len(data) > limit:
            raise rejected(Reason.TOO_LARGE)
        return data


@contextmanager
def _bad_zip_rejected() -> Iterator[None]:
    """Reject the document for what zipfile raises because of it."""
    try:
        yield
    except _DAMAGE as error:
        raise rejected(Reason.DAMAGED) from error
    except RuntimeError as error:  # so zipfile says that it does not know a compression
        raise rejected(Reason.UNSUPPORTED, "It uses an unusual compression.") from error
    except OSError as error:
        if not blames_file(error):
            raise
        raise rejected(Reason.DAMAGED) from error
