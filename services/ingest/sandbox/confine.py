"""What a process gives up before it looks at what strangers sent. There is no way back.

Layers, each of which stands without the others where the system has it:

    user        a user of its own, where the service may change users
    process     no new privileges, nobody may look into it, it ends with its parent
    landlock    no file, no TCP, no signals to others
    limits      memory, processor time, bytes written to files, descriptors, no new processes
    seccomp     a short list of system calls, none of which writes a file or starts anything

:mod:`.rules` says what a process keeps of files, of TCP and of system calls. Everywhere, an audit
hook refuses the same to code in Python. What was open before stays open.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from services.ingest.sandbox.kernel import calls
from services.ingest.sandbox.kernel.landlock import (
    FIRST_ABI_WITH_PORTS,
    give_up_files,
    landlock_abi,
)
from services.ingest.sandbox.kernel.own_user import become_own_user
from services.ingest.sandbox.kernel.seccomp import give_up_calls
from services.ingest.sandbox.rules import Rules

NICENESS = 15
"""A book is read far ahead of its being spoken, and must not hold up what is heard next."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_SOCKETS = ("socket.",)
_FORBIDDEN_EVENTS = (
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


class Layer(Enum):
    """One part of the sandbox, in the order in which they are put on."""

    USER = "user"
    PROCESS = "process"
    LANDLOCK = "landlock"
    LIMITS = "limits"
    SECCOMP = "seccomp"


EXPECTED = frozenset(Layer) - {Layer.USER}
"""What every Linux since 5.13 can give; a user of its own takes rights that a container lacks."""

Missing = dict[Layer, str]
"""Layers that a process does not have, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost.

    ``memory_bytes`` of address space on top of what the process has mapped before it starts;
    ``cpu_seconds`` of its own; ``wall_seconds`` of waiting for it, which the caller measures;
    ``open_files`` at a time, of which the document, the answer and three for nothing are five;
    ``file_bytes`` written to any file; ``niceness`` as of the command ``nice``.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 120
    wall_seconds: float = 300.0
    open_files: int = 6
    file_bytes: int = 0
    niceness: int = NICENESS


def confine(limits: Limits, rules: Rules) -> Missing:
    """Put on every layer that the system has; return those that it does not have."""
    mapped = mapped_bytes()  # from a file, which no layer allows
    steps: dict[Layer, Callable[[], None]] = {
        Layer.USER: become_own_user,
        Layer.PROCESS: keep_to_itself,
        Layer.LANDLOCK: lambda: _give_up_files(rules),
        Layer.LIMITS: lambda: set_limits(limits, mapped),
        Layer.SECCOMP: lambda: give_up_calls(rules.calls),
    }
    missing = {}
    for layer in Layer:
        try:
            steps[layer]()
        except OSError as error:
            missing[layer] = error.strerror or str(error)
    sys.addaudithook(_refusing(_FORBIDDEN_EVENTS + (() if rules.sockets else _SOCKETS)))
    return missing


def _give_up_files(rules: Rules) -> None:
    give_up_files(rules.readable, rules.ports)
    if rules.sockets and rules.ports is not None and landlock_abi() < FIRST_ABI_WITH_PORTS:
        raise OSError("Landlock knows no ports before Linux 6.7")


def set_limits(limits: Limits, mapped: int) -> None:
    """Set the limits of this process, which has ``mapped`` bytes; lower ones stay.

    Raises:
        OSError: The system refuses.
    """
    os.nice(limits.niceness)
    cpu = limits.cpu_seconds
    wanted = [
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ]
    if sys.platform == "linux":
        memory = mapped + limits.memory_bytes
        wanted += [
            (resource.RLIMIT_AS, memory, memory),
            (resource.RLIMIT_NPROC, 0, 0),  # elsewhere this would end the service's own forks
            (resource.RLIMIT_MEMLOCK, 0, 0),
            (resource.RLIMIT_MSGQUEUE, 0, 0),
        ]
    for which, soft, hard in wanted:
        highest = resource.getrlimit(which)[1]
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(which, (soft, hard))


def mapped_bytes() -> int:
    """Return the size of this process's address space; 0 where it is not limited."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def keep_to_itself() -> None:
    """End with the parent, give up new privileges, and let nobody of the same user look in.

    Raises:
        OSError: The system cannot, since it is not Linux.
    """
    calls.prctl(calls.PR_SET_PDEATHSIG, signal.SIGKILL)
    calls.prctl(calls.PR_SET_NO_NEW_PRIVS, 1)
    calls.prctl(calls.PR_SET_DUMPABLE, 0)


def _refusing(forbidden: tuple[str, ...]) -> Callable[[str, tuple[object, ...]], None]:
    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if writes or event.startswith(forbidden):
            raise PermissionError(f"{event} is not allowed in a confined process")

    return refuse
