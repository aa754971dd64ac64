"""The folder in which standalone keeps everything: its lock, its secret, its temporary files."""

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.util import get_temp_dir
from pathlib import Path

from libs.common.errors import Permanent
from libs.common.keyed_digests import keyed_digest

log = logging.getLogger(__name__)  # before a service starts: to standard error

SECRET_BYTES = 32


class DataFolderInUse(Permanent):
    """Another process works in this data folder."""

    code = "in_use"


class DataFolderUnusable(Permanent):
    """The data folder cannot be made or written."""

    code = "cannot_keep"


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Keep all other processes out of the data folder while the block runs, and make it.

    Raises:
        DataFolderInUse: Another process works in it.
        DataFolderUnusable: It cannot be made or written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataFolderUnusable(
            f"nothing can be kept in {data} ({error.strerror}); choose another folder with --data"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataFolderInUse(
            f"another lectern works in {data}; stop it, or choose another folder with --data"
        ) from None
    finally:
        os.close(handle)


def data_folder_secret(data: Path) -> bytes:
    """Return the secret of the data folder, made anew, with a warning, if it is lost or damaged.

    Raises:
        DataFolderUnusable: It cannot be read or written.
    """
    path, part = data / "secret", data / "secret.part"
    try:
        if path.exists() and len(kept := path.read_bytes()) == SECRET_BYTES:
            return kept
        if any(data.glob("*.db")):  # made after the secret
            log.warning(
                "%s is lost or damaged: what was read gets other ids, and is read anew", path
            )
        made = secrets.token_bytes(SECRET_BYTES)
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_bytes(made)
        part.replace(path)
        return made
    except OSError as error:
        raise DataFolderUnusable(f"cannot keep {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def temporary_files(data: Path) -> Iterator[None]:
    """Keep temporary files in the data folder, where the next start finds what a kill left."""
    get_temp_dir()  # multiprocessing settles for its own, which has to outlive this block
    folder, before = data.resolve() / "temporary", tempfile.tempdir
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def mail_link_key(secret: bytes) -> str:
    """Return what makes the links in mails of a data folder with this ``secret``."""
    return keyed_digest(secret, "mail links").hex()
