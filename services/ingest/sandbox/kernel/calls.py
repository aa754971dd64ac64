"""System calls that Python has no function for."""

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int = 0, pointer: object = None) -> None:
    """Change something about this process, as the manual page of the call says.

    Raises:
        OSError: The kernel refuses, or this is not Linux.
    """
    if not hasattr(_libc, "prctl"):
        raise OSError("not Linux")
    _checked(_libc.prctl(option, ctypes.c_ulong(value), pointer, None, None))


def system_call(number: int, *arguments: object) -> int:
    """Do a system call by its number and return what it returns.

    Raises:
        OSError: The kernel refuses or does not know it.
    """
    done: int = _libc.syscall(ctypes.c_long(number), *arguments)
    return _checked(done)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
