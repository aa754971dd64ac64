import errno
import os
import platform
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from services.ingest.sandbox.kernel import allowed_calls, seccomp
from services.ingest.sandbox.kernel.allowed_calls import ALLOWED, ATTACKS, Machine, Numbers
from services.ingest.sandbox.kernel.seccomp import ALLOW, KILL, REFUSE, assemble, filter_for

MACHINES = get_args(Machine)
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(machine: Machine, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter on a call as the kernel does: a small machine with one register."""
    numbers = (*arguments, *[0] * (6 - len(arguments)))
    asked = ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("<IIQ6Q", number, asked, 0, *numbers)
    program, at, register = filter_for(machine), 0, 0
    while True:
        operation, if_true, if_false, constant = program[at]
        at += 1
        if operation == 0x06:
            return constant
        if operation == 0x20:
            [register] = struct.unpack_from("<I", data, constant)
            continue
        tests = {
            0x15: register == constant,
            0x35: register >= constant,
            0x45: register & constant != 0,
        }
        at += if_true if tests[operation] else if_false


def number(machine: Machine, call: Numbers) -> int:
    found = getattr(call, machine)
    assert found is not None
    return int(found)


@pytest.mark.parametrize("machine", MACHINES)
def test_each_call_on_the_list_is_allowed_and_every_other_refused(machine):
    allowed = {getattr(call, machine) for call in ALLOWED.values()} - {None}
    attacks = {getattr(call, machine) for call in ATTACKS.values()} - {None}
    calls = (allowed_calls.MMAP, allowed_calls.MPROTECT)
    looked_at = {number(machine, call) for call in calls}
    assert allowed.isdisjoint(attacks)
    for call in range(600):
        expected = KILL if call in attacks else ALLOW if call in allowed | looked_at else REFUSE
        assert verdict(machine, call, 9, 9) == expected, call


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", [allowed_calls.MMAP, allowed_calls.MPROTECT])
def test_memory_never_becomes_code(machine, call):
    assert verdict(machine, number(machine, call), 0, 4096, 0b011) == ALLOW
    for protection in (0b100, 0b101, 0b111):
        assert verdict(machine, number(machine, call), 0, 4096, protection) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_limits_are_read_and_not_changed(machine):
    prlimit = number(machine, allowed_calls.PRLIMIT)
    assert verdict(machine, prlimit, 0, 7, 0, 1 << 40) == ALLOW
    assert verdict(machine, prlimit, 1, 7, 0, 0) == REFUSE
    assert verdict(machine, prlimit, 0, 7, 1, 0) == REFUSE
    assert verdict(machine, prlimit, 0, 7, 1 << 40, 0) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_descriptors_are_copied_and_asked_about_alone(machine):
    fcntl = number(machine, allowed_calls.FCNTL)
    allowed = {command for command in range(1100) if verdict(machine, fcntl, 3, command) == ALLOW}
    assert allowed == {1, 3, 1030}


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_architecture_kill(machine):
    for other in (0x40000003, 0x40000028, 0):  # of 32-bit programs of Intel and of Arm
        assert verdict(machine, 0, architecture=other) == KILL


def test_calls_by_the_numbers_of_x32_kill():
    assert verdict("x86_64", 0x40000000) == KILL


def test_an_instruction_has_eight_bytes():
    assert assemble([(0x06, 0, 0, KILL)]) == b"\x06\0\0\0\0\0\0\x80"
    assert REFUSE & 0xFFFF == errno.EPERM


@pytest.mark.parametrize(
    ("machine", "header", "pattern"),
    [
        ("x86_64", "x86_64-linux-gnu/asm/unistd_64.h", r"__NR_{} {}\b"),
        ("aarch64", "asm-generic/unistd.h", r"__NR(?:3264)?_{} {}\b"),
    ],
)
def test_numbers_are_those_of_the_kernel(machine, header, pattern):
    path = Path("/usr/include") / header
    if not path.exists():
        pytest.skip(f"no {path}")
    text = path.read_text()
    single = {
        "mmap": allowed_calls.MMAP,
        "mprotect": allowed_calls.MPROTECT,
        "fcntl": allowed_calls.FCNTL,
        "prlimit64": allowed_calls.PRLIMIT,
    }
    for name, call in (ALLOWED | ATTACKS | single).items():
        found = getattr(call, machine)
        assert found is None or re.search(pattern.format(name, found), text), name


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_what_is_refused_fails_and_what_attacks_kills():
    script = """
import os, socket
from services.ingest.sandbox.kernel.calls import PR_SET_NO_NEW_PRIVS, prctl
from services.ingest.sandbox.kernel.seccomp import give_up_calls
prctl(PR_SET_NO_NEW_PRIVS, 1)
give_up_calls()
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
        seccomp.give_up_calls()
