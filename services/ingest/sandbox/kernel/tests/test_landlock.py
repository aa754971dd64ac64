import os
import subprocess
import sys

import pytest

from services.ingest.sandbox.kernel import landlock
from services.ingest.sandbox.kernel.landlock import landlock_abi

SCRIPT = """
import os
from services.ingest.sandbox.kernel.calls import PR_SET_NO_NEW_PRIVS, prctl
from services.ingest.sandbox.kernel.landlock import give_up_files
prctl(PR_SET_NO_NEW_PRIVS, 1)
before = os.open("/etc/passwd", os.O_RDONLY)
give_up_files()
assert os.read(before, 4)
try:
    os.open("/etc/passwd", os.O_RDONLY)
except PermissionError:
    print("refused")
"""


def test_what_is_open_is_read_and_nothing_else_is_opened():
    try:
        landlock_abi()
    except OSError:
        pytest.skip("this kernel has no Landlock")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, env=environment, check=True
    )
    assert done.stdout == b"refused\n"


@pytest.mark.parametrize(
    ("abi", "rights", "tcp", "scopes", "size"),
    [
        (1, 13, 0, 0, 8),
        (2, 14, 0, 0, 8),
        (3, 15, 0, 0, 8),
        (4, 15, 3, 0, 16),
        (5, 16, 3, 0, 16),
        (6, 16, 3, 3, 24),
        (9, 16, 3, 3, 24),
    ],
)
def test_an_older_kernel_is_asked_for_what_it_knows(monkeypatch, abi, rights, tcp, scopes, size):
    asked = []

    def call(number: int, *arguments) -> int:
        if number == 444:
            asked.append(arguments)
        return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(landlock, "landlock_abi", lambda: abi)
    monkeypatch.setattr(landlock, "system_call", call)
    landlock.give_up_files()
    [(ruleset, told, _)] = asked
    known = ruleset._obj
    assert (known.files, known.tcp, known.scopes) == (2**rights - 1, tcp, scopes)
    assert told.value == size


def test_other_systems_have_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="not Linux"):
        landlock_abi()
