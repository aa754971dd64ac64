"""A seccomp filter that leaves a process the system calls of :mod:`.allowed_calls`.

Calls that only an attack makes end the process with SIGSYS, so that the attack is seen; every other
one fails with EPERM. The filter is a program for the classic BPF machine, which looks at the number
of a call and at its arguments, not at what they point to; see seccomp(2) and
``include/uapi/linux/seccomp.h``.
"""

import ctypes
import errno
import mmap
import platform
import struct
import sys
from collections.abc import Sequence
from fcntl import F_GETFD, F_GETFL
from functools import cache
from typing import get_args

from services.ingest.sandbox.kernel.allowed_calls import (
    ALLOWED,
    ATTACKS,
    FCNTL,
    MMAP,
    MPROTECT,
    PRLIMIT,
    Machine,
    Numbers,
)
from services.ingest.sandbox.kernel.calls import PR_SET_SECCOMP, prctl

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
KILL = 0x80000000

_MODE_FILTER = 2
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_JUMP_IF_ANY_BIT = 0x45
_RETURN = 0x06

# struct seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6]; both little endian
_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_ARGUMENTS_AT = 16
_WORD_BYTES = 4
_ARGUMENT_BYTES = 8

_ARCHITECTURES: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_F_DUPFD_CLOEXEC = 1030

Instruction = tuple[int, int, int, int]
"""Operation, how many instructions to skip if true, if false, and its constant."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def give_up_calls() -> None:
    """Allow nothing but what parsers need, for good. Needs a process without new privileges.

    Raises:
        OSError: The kernel has no seccomp filters, or this is no machine that we know.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in get_args(Machine):
        raise OSError(f"no list of system calls for {sys.platform} on {machine}")
    instructions = filter_for(machine)
    program = _Program(len(instructions), assemble(instructions))
    prctl(PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return instructions as the kernel reads them: ``struct sock_filter``."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


@cache
def filter_for(machine: Machine) -> tuple[Instruction, ...]:
    """Return the program that decides about each call on ``machine``."""
    return (
        _load(_ARCHITECTURE_AT),
        *_unless_equal(_ARCHITECTURES[machine], KILL),  # calls of 32-bit programs
        _load(_NUMBER_AT),
        *(_if_at_least(_X32_BIT, KILL) if machine == "x86_64" else ()),
        *(part for call in ALLOWED.values() for part in _when(machine, call, [_return(ALLOW)])),
        *_when(machine, MMAP, _without_bit(2, mmap.PROT_EXEC)),
        *_when(machine, MPROTECT, _without_bit(2, mmap.PROT_EXEC)),
        *_when(machine, FCNTL, _one_of(1, (F_GETFD, F_GETFL, _F_DUPFD_CLOEXEC))),
        *_when(machine, PRLIMIT, _zeros(_low(0), _low(2), _high(2))),  # reads limits of its own
        *(part for call in ATTACKS.values() for part in _when(machine, call, [_return(KILL)])),
        _return(REFUSE),
    )


def _load(offset: int) -> Instruction:
    return (_LOAD_WORD, 0, 0, offset)


def _return(verdict: int) -> Instruction:
    return (_RETURN, 0, 0, verdict)


def _unless_equal(value: int, verdict: int) -> list[Instruction]:
    return [(_JUMP_IF_EQUAL, 1, 0, value), _return(verdict)]


def _if_at_least(value: int, verdict: int) -> list[Instruction]:
    return [(_JUMP_IF_AT_LEAST, 0, 1, value), _return(verdict)]


def _when(machine: Machine, call: Numbers, then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then``, which returns whatever happens, if the call that was loaded is this one."""
    number = getattr(call, machine)
    if number is None:
        return []
    return [(_JUMP_IF_EQUAL, 0, len(then), number), *then]


def _without_bit(argument: int, bit: int) -> list[Instruction]:
    return [
        _load(_low(argument)),
        (_JUMP_IF_ANY_BIT, 0, 1, bit),
        _return(REFUSE),
        _return(ALLOW),
    ]


def _one_of(argument: int, values: Sequence[int]) -> list[Instruction]:
    tests: list[Instruction] = []
    for value in values:
        tests += [(_JUMP_IF_EQUAL, 0, 1, value), _return(ALLOW)]
    return [_load(_low(argument)), *tests, _return(REFUSE)]


def _zeros(*words: int) -> list[Instruction]:
    tests: list[Instruction] = []
    for word in words:
        tests += [_load(word), *_unless_equal(0, REFUSE)]
    return [*tests, _return(ALLOW)]


def _low(argument: int) -> int:
    return _ARGUMENTS_AT + _ARGUMENT_BYTES * argument


def _high(argument: int) -> int:
    return _low(argument) + _WORD_BYTES
