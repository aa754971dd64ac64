"""Landlock: a process gives up every file, TCP and whatever is outside of it.

Descriptors that are open already go on working. The rights are those of Linux 6.15 (ABI 7); an
older kernel takes what it knows, a newer one may know some that we leave. Numbers and structures:
``include/uapi/linux/landlock.h``; they are the same on every architecture.
"""

import ctypes
import os
import sys

from services.ingest.sandbox.kernel.calls import system_call

_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_ASK_VERSION = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to files there are, by the first ABI that has so many."""
_TCP_SINCE = 4
_BIND_AND_CONNECT = 0b11
_SCOPES_SINCE = 6
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("tcp", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


def landlock_abi() -> int:
    """Return the version of Landlock that the kernel has, from 1.

    Raises:
        OSError: It has none, or it is turned off.
    """
    if sys.platform != "linux":
        raise OSError("not Linux")
    return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION))


def give_up_files() -> None:
    """Give up all that Landlock knows, for good. Needs a process without new privileges.

    Raises:
        OSError: The kernel has no Landlock, or refuses.
    """
    abi = landlock_abi()
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= abi)
    ruleset = _Ruleset((1 << rights) - 1)
    size = ctypes.sizeof(ctypes.c_uint64)
    if abi >= _TCP_SINCE:
        ruleset.tcp = _BIND_AND_CONNECT
        size = _Ruleset.scopes.offset
    if abi >= _SCOPES_SINCE:
        ruleset.scopes = _ABSTRACT_SOCKETS_AND_SIGNALS
        size = ctypes.sizeof(ruleset)
    fd = system_call(
        _CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint(0)
    )
    try:  # a ruleset without rules: nothing is allowed of what it handles
        system_call(_RESTRICT_SELF, ctypes.c_int(fd), ctypes.c_uint(0))
    finally:
        os.close(fd)
