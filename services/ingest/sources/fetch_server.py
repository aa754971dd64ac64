"""The process that fetching processes are forked from, so that none of them waits for imports.

``python -m services.ingest.sources.fetch_server FD`` serves the socket that it inherits as FD and
ends when the other side closes it, taking its children with it. A byte there carries two
descriptors: a socket, and the file to write to. A child is forked, and on that socket follow, each
in a line: its process id; from the service, a :class:`FetchRequest`; from the child, how it ended.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import ssl
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import anyio
import httpx

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.sources.fetch import WebFetcher

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 30
OPEN_FILES = 64

_FDS = 2
_ANSWER_FD, _FILE_FD, _FREE_FD = 3, 4, 5
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


@dataclass(frozen=True, kw_only=True)
class FetchRequest:
    """What to fetch; the limits are those of :class:`WebFetcher`."""

    url: str
    max_bytes: int
    timeout_seconds: float
    allow_private: bool


def main() -> None:
    """Serve until the service closes its end, or is gone; then end the children too."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    tls = httpx.create_ssl_context(trust_env=False)
    anyio.run(anyio.sleep, 0)  # loads what httpx would load in each child at its first request
    gc.freeze()  # keeps the collector from copying shared pages into every child
    while True:
        try:
            asked, fds, _, _ = socket.recv_fds(control, 1, _FDS)
        except ConnectionError:
            return
        if not asked:
            return
        _fork(fds[0], fds[1], tls)


def _fork(answer: int, file: int, tls: ssl.SSLContext) -> None:
    pid = os.fork()
    if pid == 0:
        _child(answer, file, tls)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)  # the child does the same: whoever comes first
    with contextlib.suppress(OSError):  # nobody waits for this one any more
        os.write(answer, b"%d\n" % pid)
    os.close(answer)
    os.close(file)


def _child(answer: int, file: int, tls: ssl.SSLContext) -> NoReturn:
    """Fetch one web address and end, whatever happens."""
    try:
        _prepare(answer, file)
        with socket.socket(fileno=_ANSWER_FD) as service, service.makefile("rwb") as lines:
            request = FetchRequest(**json.loads(lines.readline()))
            _limit(request.max_bytes)
            lines.write(json.dumps(_outcome(request, tls)).encode() + b"\n")
    finally:
        os._exit(0)


def _prepare(answer: int, file: int) -> None:
    """Become leader of a process group; keep no descriptor but the two that were given."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, _FREE_FD) for fd in (null, null, null, answer, file)]
    for target, fd in enumerate(moved):
        os.dup2(fd, target)
    os.closerange(len(moved), os.sysconf("SC_OPEN_MAX"))


def _limit(file_bytes: int) -> None:
    """Give up what fetching does not need: memory, time, files, new privileges."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _lower(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, CPU_SECONDS)
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)


def _lower(which: int, limit: int) -> None:
    highest = resource.getrlimit(which)[1]
    if highest != resource.RLIM_INFINITY:
        limit = min(limit, highest)
    resource.setrlimit(which, (limit, limit))


def _outcome(request: FetchRequest, tls: ssl.SSLContext) -> dict[str, Any]:
    """Fetch, and return what became of it."""
    fetcher = WebFetcher(
        max_bytes=request.max_bytes,
        timeout_seconds=request.timeout_seconds,
        allow_private=request.allow_private,
        tls=tls,
    )
    try:
        with os.fdopen(_FILE_FD, "wb") as file:
            fetched = asyncio.run(fetcher.fetch(request.url, file))
        return {"filename": fetched.filename}
    except (Rejected, Transient) as error:
        return _told(error)
    except MemoryError:
        return _told(rejected(Reason.TOO_COMPLEX))
    except OSError as error:
        return _told(Transient(f"the page could not be kept just now: {error.strerror}"))
    except Exception:  # any way a client can fail on a hostile answer is an answer, not a crash
        return {"crashed": traceback.format_exc(limit=-20)}


def _told(error: Rejected | Transient) -> dict[str, Any]:
    after = error.retry_after_s if isinstance(error, Throttled) else None
    return {
        "error": type(error).__name__,
        "code": error.code,
        "message": str(error),
        "retry_after_s": after,
    }


if __name__ == "__main__":
    main()
