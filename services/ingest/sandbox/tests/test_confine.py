import json
import os
import socket
import subprocess
import sys

import pytest

from services.ingest.sandbox.confine import EXPECTED, Layer
from services.ingest.sandbox.kernel.landlock import landlock_abi

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")
SCRIPT = """
import json, os, resource, socket, sys
from services.ingest.sandbox.confine import Limits, confine
from services.ingest.sandbox.rules import PARSER, fetcher
missing = confine(Limits(memory_bytes=50_000_000, cpu_seconds=1), {rules})
{attempt}
"""


SAY_WHAT_LACKS = "print(json.dumps({layer.value: why for layer, why in missing.items()}))"


def with_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def attempt(code: str, rules: str = "PARSER") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(attempt=code, rules=rules)],
        capture_output=True,
        text=True,
        env=with_path(),
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_what_is_open_is_read_and_answered(tmp_path):
    assert attempt("print(len(os.read(0, 10)))").stdout == "0\n"


@ON_LINUX
def test_it_says_which_layers_the_system_lacks():
    said = attempt(SAY_WHAT_LACKS)
    missing = {Layer(name) for name in json.loads(said.stdout)}
    assert not missing & {Layer.PROCESS, Layer.LIMITS, Layer.SECCOMP}
    assert (Layer.USER in missing) == (os.geteuid() != 0)
    assert Layer.USER not in EXPECTED


@ON_LINUX
@pytest.mark.parametrize(
    ("rules", "lacks"), [("fetcher([80])", True), ("fetcher(None)", False), ("PARSER", False)]
)
def test_a_fetcher_whose_ports_cannot_be_limited_lacks_a_layer(rules, lacks):
    """Before Linux 6.7; the ruleset itself is that of this kernel."""
    older = "from services.ingest.sandbox import confine as confining\n"
    older += "confining.landlock_abi = lambda: 3\n"
    said = subprocess.run(
        [sys.executable, "-c", older + SCRIPT.format(rules=rules, attempt=SAY_WHAT_LACKS)],
        capture_output=True,
        text=True,
        env=with_path(),
        check=True,
    )
    assert ("landlock" in json.loads(said.stdout)) is lacks


@ON_LINUX
def test_limits_hold_without_the_rest():
    script = """
import os, resource
from services.ingest.sandbox.confine import Limits, mapped_bytes, set_limits
set_limits(Limits(), mapped_bytes())
for name in ("NPROC", "FSIZE", "CORE", "MEMLOCK", "MSGQUEUE"):
    assert resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) == (0, 0), name
os.pipe(), os.pipe()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=with_path(), check=False
    )
    assert "Too many open files" in done.stderr


@ON_LINUX
def test_others_of_the_same_user_are_kept_out_and_privileges_given_up():
    script = """
from pathlib import Path
from services.ingest.sandbox.confine import keep_to_itself
keep_to_itself()
print(Path("/proc/self/status").read_text())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=with_path(), check=True
    )
    assert "NoNewPrivs:\t1" in done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.create_connection((b'127.0.0.1', 9))",
        "socket.getaddrinfo(b'localhost', 80)",
        "os.system('true')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "open('{folder}/new', 'w')",
        "os.open('{folder}/new', os.O_CREAT | os.O_WRONLY)",
        "os.remove('{folder}/kept')",
    ],
)
def test_what_a_parser_has_no_business_with_is_refused(tmp_path, code):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    done = attempt(code.replace("{folder}", str(tmp_path)))
    assert "PermissionError" in done.stderr
    assert list(tmp_path.iterdir()) == [kept]


def _knows_ports() -> bool:
    try:
        return landlock_abi() >= 4
    except OSError:
        return False


@ON_LINUX
def test_a_fetcher_connects_to_its_ports_and_starts_nothing():
    code = """
tcp = socket.socket()
for port in (9, {port}):
    try:
        tcp.connect(("127.0.0.1", port))
    except OSError as error:
        print(type(error).__name__)
try:
    os.fork()
except PermissionError as error:
    print(error)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = attempt(code.replace("{port}", str(port)), f"fetcher([{port}])")
    first, last = done.stdout.splitlines()
    assert first == ("PermissionError" if _knows_ports() else "ConnectionRefusedError")
    assert last == "os.fork is not allowed in a confined process"


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not limit address space")
def test_memory_is_limited():
    assert "MemoryError" in attempt("bytearray(200_000_000)").stderr


@pytest.mark.slow
def test_processor_time_is_limited():
    assert attempt("while True: pass").returncode < 0
