"""What a process gives up before it opens an untrusted file. There is no way back."""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
NICENESS = 15
"""A book is read far ahead of its being spoken, and must not hold up what is heard next."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FORBIDDEN_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.kill",
    "os.chmod",
    "os.chown",
    "os.symlink",
    "os.link",
    "pty.spawn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one document may cost.

    ``memory_bytes`` of address space on top of what the process has mapped before it starts;
    ``cpu_seconds`` of its own; ``wall_seconds`` of waiting for it, which the caller measures;
    ``open_files`` at a time; ``file_bytes`` written to any file.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 120
    wall_seconds: float = 300.0
    open_files: int = 64
    file_bytes: int = 0


def confine(limits: Limits) -> None:
    """Apply ``limits`` and give up the network, new processes and new privileges.

    The kernel takes the network away where it lets us (a network namespace); everywhere, and
    against forks and writing files too, an audit hook refuses the calls that Python code makes.
    """
    if sys.platform == "linux":
        _leave_network()
        _forbid_privileges()
    _set_limits(limits)
    sys.addaudithook(_refuse)


def _set_limits(limits: Limits) -> None:
    os.nice(NICENESS)
    cpu = limits.cpu_seconds
    wanted = [
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ]
    if sys.platform == "linux":
        memory = mapped_bytes() + limits.memory_bytes
        wanted.append((resource.RLIMIT_AS, memory, memory))
    for which, soft, hard in wanted:
        highest = resource.getrlimit(which)[1]
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(which, (soft, hard))


def mapped_bytes() -> int:
    """Return the size of this process's address space (Linux: first field of statm)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _leave_network() -> None:
    """Enter an empty network namespace; without the right to, by way of a user namespace.

    Where the kernel refuses both, as in many containers, the audit hook is what remains.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _forbid_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
    if writes or event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(f"{event} is not allowed while reading a document")
