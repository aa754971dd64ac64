import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, resource, socket
from services.ingest.sandbox.confine import Limits, confine
confine(Limits(memory_bytes=50_000_000, cpu_seconds=5, open_files=32))
{attempt}
"""


def attempt(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(attempt=code)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )


def test_reading_and_computing_are_allowed():
    assert attempt("print(len(open('/dev/null').read()))").stdout == "0\n"


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
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


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not limit address space")
def test_memory_is_limited():
    assert "MemoryError" in attempt("bytearray(200_000_000)").stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/ns/net").exists(), reason="needs network namespaces")
def test_processor_time_is_limited():
    done = attempt("resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass")
    assert done.returncode < 0
