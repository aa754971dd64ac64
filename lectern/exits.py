"""Exit codes that scripts can rely on, after BSD's sysexits.h.

0 done, 1 there was nothing to do it to, 2 wrong usage (argparse), 130 interrupted; the others are
named here.
"""

from enum import IntEnum

from lectern.data_folder import DataFolderInUse, DataFolderUnusable
from lectern.embedded_broker import EmbeddedBrokerError
from libs.common.errors import LecternError, Rejected, Transient
from libs.common.runtime.http_server import CannotListen
from libs.common.settings import InvalidSettings


class Exit(IntEnum):
    """What became of the command."""

    OK = 0
    NOTHING_DONE = 1
    USAGE = 2
    BAD_DOCUMENT = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    INTERNAL = 70
    CANNOT_WRITE = 73
    TRY_AGAIN = 75
    BAD_SETTINGS = 78
    INTERRUPTED = 130


class Failed(Exception):
    """The command cannot go on; the message says why and what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def classify(error: BaseException) -> Failed | None:
    """Return the failure that ``error`` is for somebody at a terminal; None for a bug."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, InvalidSettings):
        return Failed(Exit.BAD_SETTINGS, str(error))
    if isinstance(error, DataFolderInUse | CannotListen | EmbeddedBrokerError):
        return Failed(Exit.UNAVAILABLE, str(error))
    if isinstance(error, DataFolderUnusable):
        return Failed(Exit.CANNOT_WRITE, str(error))
    if isinstance(error, Rejected):
        return Failed(Exit.BAD_DOCUMENT, str(error))
    if isinstance(error, Transient):
        return Failed(Exit.TRY_AGAIN, str(error))
    if isinstance(error, LecternError):
        return Failed(Exit.INTERNAL, str(error))
    return None
