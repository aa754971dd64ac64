"""A seccomp filter that leaves a process the system calls of :mod:`.allowed_calls`.

Calls that only an attack makes end the process with SIGSYS, so that the attack is seen; every other
one fails with EPERM. The filter is a program for the classic BPF machine, which looks at the number
of a call and at its arguments, not at what they point to; see seccomp(2) and
``include/uapi/linux/seccomp.h``.
"""

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Sequence
from typing import get_args

from services.ingest.sandbox.kernel.allowed_calls import (
    ATTACKS,
    COMPUTING,
    ArgumentTest,
    Call,
    Calls,
    Machine,
)
from services.ingest.sandbox.kernel.calls import PR_SET_SECCOMP, prctl

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
KILL = 0x80000000

_MODE_FILTER = 2
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_RETURN = 0x06
_KEEP_BITS = 0x54

# struct seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6]; both little endian
_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_ARGUMENTS_AT = 16
_WORD_BYTES = 4
_ARGUMENT_BYTES = 8

_ARCHITECTURES: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

Instruction = tuple[int, int, int, int]
"""Operation, how many instructions to skip if true, if false, and its constant."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def give_up_calls(kept: Calls) -> None:
    """Allow nothing but computing and ``kept``, for good. Needs a process without new privileges.

    Raises:
        OSError: The kernel has no seccomp filters, or this is no machine that we know.
    """
    name = platform.machine()
    machine: Machine | None = next((known for known in get_args(Machine) if known == name), None)
    if sys.platform != "linux" or machine is None:
        raise OSError(f"no list of system calls for {sys.platform} on {name}")
    instructions = filter_for(machine, kept)
    program = _Program(len(instructions), assemble(instructions))
    prctl(PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return instructions as the kernel reads them: ``struct sock_filter``."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def filter_for(machine: Machine, kept: Calls) -> tuple[Instruction, ...]:
    """Return the program that decides about each call on ``machine``."""
    allowed = [*COMPUTING.values(), *kept.values()]
    return (
        _load(_ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        _return(KILL),  # calls of 32-bit programs
        _load(_NUMBER_AT),
        *([(_JUMP_IF_AT_LEAST, 0, 1, _X32_BIT), _return(KILL)] if machine == "x86_64" else ()),
        *(part for call in allowed for part in _when(machine, call, _ways(call))),
        *(part for call in ATTACKS.values() for part in _when(machine, call, [_return(KILL)])),
        _return(REFUSE),
    )


def _load(offset: int) -> Instruction:
    return (_LOAD_WORD, 0, 0, offset)


def _return(verdict: int) -> Instruction:
    return (_RETURN, 0, 0, verdict)


def _when(machine: Machine, call: Call, then: Sequence[Instruction]) -> list[Instruction]:
    """Do ``then``, which returns whatever happens, if the call that was loaded is this one."""
    number = getattr(call, machine)
    if number is None:
        return []
    return [(_JUMP_IF_EQUAL, 0, len(then), number), *then]


def _ways(call: Call) -> list[Instruction]:
    """Allow a call that is done in one of the ways in which it may be, refuse every other."""
    if not call.only:
        return [_return(ALLOW)]
    tests: list[Instruction] = []
    for conditions in call.only:
        way = [_return(ALLOW)]
        for condition in reversed(conditions):
            way = [*_test(condition, otherwise=len(way)), *way]
        tests += way
    return [*tests, _return(REFUSE)]


def _test(condition: ArgumentTest, otherwise: int) -> list[Instruction]:
    """Go on with the next instruction if it holds, else skip ``otherwise`` of them."""
    at = _ARGUMENTS_AT + _ARGUMENT_BYTES * condition.argument + _WORD_BYTES * condition.upper
    last = len(condition.values) - 1
    jumps = [
        (_JUMP_IF_EQUAL, last - place, otherwise if place == last else 0, value)
        for place, value in enumerate(condition.values)
    ]
    return [_load(at), (_KEEP_BITS, 0, 0, condition.mask), *jumps]
