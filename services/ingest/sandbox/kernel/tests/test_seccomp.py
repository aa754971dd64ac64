import errno
import os
import platform
import struct
import subprocess
import sys
from functools import cache
from itertools import product
from typing import get_args

import pytest

from services.ingest.sandbox.kernel import seccomp
from services.ingest.sandbox.kernel.allowed_calls import (
    ATTACKS,
    COMPUTING,
    FETCHING,
    Calls,
    Machine,
)
from services.ingest.sandbox.kernel.seccomp import (
    ALLOW,
    KILL,
    REFUSE,
    Instruction,
    assemble,
    filter_for,
)

MACHINES = get_args(Machine)
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PROTOCOLS = (0, 1, 2, 6, 17, 41, 58, 132, 136, 255, 262)
"""Of the internet: 132 is SCTP, 262 multipath TCP."""


@cache
def program_for(machine: Machine, *, fetching: bool) -> tuple[Instruction, ...]:
    return filter_for(machine, FETCHING if fetching else {})


def verdict(
    machine: Machine,
    number: int,
    *arguments: int,
    architecture: int | None = None,
    fetching: bool = False,
) -> int:
    """Run the filter on a call as the kernel does: a small machine with one register."""
    numbers = (*arguments, *[0] * (6 - len(arguments)))
    asked = ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("<IIQ6Q", number, asked, 0, *numbers)
    program, at, register = program_for(machine, fetching=fetching), 0, 0
    while True:
        operation, if_true, if_false, constant = program[at]
        at += 1
        if operation == 0x06:
            return constant
        if operation == 0x20:
            [register] = struct.unpack_from("<I", data, constant)
        elif operation == 0x54:
            register &= constant
        else:
            tests = {0x15: register == constant, 0x35: register >= constant}
            at += if_true if tests[operation] else if_false


def number(machine: Machine, calls: Calls, name: str) -> int:
    found = getattr(calls[name], machine)
    assert found is not None
    return int(found)


def numbers(machine: Machine, calls: Calls, *, looked_at: bool) -> set[int]:
    """Return the numbers of calls whose arguments are looked at, or of the others."""
    found = {getattr(call, machine) for call in calls.values() if bool(call.only) == looked_at}
    return found - {None}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("fetching", [False, True])
def test_each_call_on_the_list_is_allowed_and_every_other_refused(machine, fetching):
    lists = {**COMPUTING, **(FETCHING if fetching else {})}
    allowed = numbers(machine, lists, looked_at=False)
    looked_at = numbers(machine, lists, looked_at=True)
    attacks = numbers(machine, ATTACKS, looked_at=False) - allowed - looked_at
    for call in set(range(600)) - looked_at:
        expected = KILL if call in attacks else ALLOW if call in allowed else REFUSE
        assert verdict(machine, call, 9, 9, fetching=fetching) == expected, call


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_memory_never_becomes_code(machine, name):
    call = number(machine, COMPUTING, name)
    assert verdict(machine, call, 0, 4096, 0b011) == ALLOW
    for protection in (0b100, 0b101, 0b111):
        assert verdict(machine, call, 0, 4096, protection) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_limits_are_read_and_not_changed(machine):
    prlimit = number(machine, COMPUTING, "prlimit64")
    assert verdict(machine, prlimit, 0, 7, 0, 1 << 40) == ALLOW
    assert verdict(machine, prlimit, 1, 7, 0, 0) == REFUSE
    assert verdict(machine, prlimit, 0, 7, 1, 0) == REFUSE
    assert verdict(machine, prlimit, 0, 7, 1 << 40, 0) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_descriptors_are_copied_and_asked_about_alone(machine):
    fcntl = number(machine, COMPUTING, "fcntl")
    allowed = {command for command in range(1100) if verdict(machine, fcntl, 3, command) == ALLOW}
    assert allowed == {1, 3, 1030}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_fetcher_opens_files_for_reading_alone(machine):
    call = number(machine, FETCHING, "openat")
    assert verdict(machine, call, 0, 0, os.O_CLOEXEC, fetching=True) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_RDWR | 0o20000000):
        assert verdict(machine, call, 0, 0, flags, fetching=True) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_a_fetcher_has_sockets_of_the_internet_alone(machine):
    call = number(machine, FETCHING, "socket")
    made = {
        (family, kind, protocol)
        for family in range(50)
        for kind in range(16)
        for protocol in PROTOCOLS
        if verdict(machine, call, family, kind | 0o2000000, protocol, fetching=True) == ALLOW
    }
    kinds, protocols = (1, 2), (0, 6, 17)
    assert made == set(product((2, 10), kinds, protocols))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_fetcher_sets_no_options_but_those_of_its_libraries(machine):
    call = number(machine, FETCHING, "setsockopt")
    kept = {
        (level, option)
        for level in range(300)
        for option in range(80)
        if verdict(machine, call, 3, level, option, fetching=True) == ALLOW
    }
    assert kept == {(6, 1), (0, 11), (41, 25)}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "flags_at"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_a_fetcher_sends_nothing_before_it_is_connected(machine, name, flags_at):
    call = number(machine, FETCHING, name)
    arguments = [9] * flags_at
    assert verdict(machine, call, *arguments, 0x4000, fetching=True) == ALLOW
    assert verdict(machine, call, *arguments, 0x20004000, fetching=True) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_architecture_kill(machine):
    for other in (0x40000003, 0x40000028, 0):  # of 32-bit programs of Intel and of Arm
        assert verdict(machine, 0, architecture=other) == KILL


def test_calls_by_the_numbers_of_x32_kill():
    assert verdict("x86_64", 0x40000000) == KILL


def test_an_instruction_has_eight_bytes():
    assert assemble([(0x06, 0, 0, KILL)]) == b"\x06\0\0\0\0\0\0\x80"
    assert REFUSE & 0xFFFF == errno.EPERM


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_what_is_refused_fails_and_what_attacks_kills():
    script = """
import os, socket
from services.ingest.sandbox.kernel.calls import PR_SET_NO_NEW_PRIVS, prctl
from services.ingest.sandbox.kernel.seccomp import give_up_calls
prctl(PR_SET_NO_NEW_PRIVS, 1)
give_up_calls({})
try:
    os.open("/", os.O_RDONLY)
except PermissionError:
    os.write(1, b"refused")
socket.socket()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment, check=False
    )
    assert (done.stdout, done.returncode) == (b"refused", -31)


def test_machines_that_we_do_not_know_are_told(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    with pytest.raises(OSError, match="no list of system calls"):
        seccomp.give_up_calls({})
