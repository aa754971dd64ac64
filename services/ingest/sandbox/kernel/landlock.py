"""Landlock: a process gives up files, TCP and whatever is outside of it, but for what it is told.

Descriptors that are open already go on working. The rights are those of Linux 6.15 (ABI 7); an
older kernel takes what it knows, a newer one may know some that we leave. Numbers and structures:
``include/uapi/linux/landlock.h``; they are the same on every architecture.
"""

import ctypes
import os
import sys
from collections.abc import Sequence

from services.ingest.sandbox.kernel.calls import system_call

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_ASK_VERSION = 1
_BENEATH, _PORT = 1, 2
_READ_FILE = 1 << 2
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to files there are, by the first ABI that has so many."""
FIRST_ABI_WITH_PORTS = 4
_BIND, _CONNECT = 0b01, 0b10
_SCOPES_SINCE = 6
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("tcp", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _FileRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("file", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def landlock_abi() -> int:
    """Return the version of Landlock that the kernel has, from 1.

    Raises:
        OSError: It has none, or it is turned off.
    """
    if sys.platform != "linux":
        raise OSError("not Linux")
    return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION))


def give_up_files(readable: Sequence[str] = (), ports: Sequence[int] | None = ()) -> None:
    """Give up all that Landlock knows, for good. Needs a process without new privileges.

    What is left: reading the files that are ``readable`` now, or what they are links to, and
    connections to ``ports``, or to all if that is None.

    Raises:
        OSError: The kernel has no Landlock, or refuses.
    """
    abi = landlock_abi()
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= abi)
    ruleset = _Ruleset((1 << rights) - 1)
    size = ctypes.sizeof(ctypes.c_uint64)
    if abi >= FIRST_ABI_WITH_PORTS:
        ruleset.tcp = _BIND if ports is None else _BIND | _CONNECT
        size = _Ruleset.scopes.offset
    if abi >= _SCOPES_SINCE:
        ruleset.scopes = _ABSTRACT_SOCKETS_AND_SIGNALS
        size = ctypes.sizeof(ruleset)
    fd = system_call(
        _CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint(0)
    )
    try:  # nothing is allowed of what the ruleset handles, unless a rule says so
        for path in readable:
            _allow_reading(fd, path)
        for port in (ports or ()) if abi >= FIRST_ABI_WITH_PORTS else ():
            _add(fd, _PORT, _PortRule(_CONNECT, port))
        system_call(_RESTRICT_SELF, ctypes.c_int(fd), ctypes.c_uint(0))
    finally:
        os.close(fd)


def _allow_reading(ruleset: int, path: str) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _add(ruleset, _BENEATH, _FileRule(_READ_FILE, file))
    finally:
        os.close(file)


def _add(ruleset: int, kind: int, rule: ctypes.Structure) -> None:
    system_call(
        _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(kind), ctypes.byref(rule), ctypes.c_uint(0)
    )
