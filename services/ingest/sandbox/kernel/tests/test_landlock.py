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


NAMED = """
import os, socket, sys
from services.ingest.sandbox.kernel.calls import PR_SET_NO_NEW_PRIVS, prctl
from services.ingest.sandbox.kernel.landlock import give_up_files
kept, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
ports = [kept.getsockname()[1], other.getsockname()[1]]
prctl(PR_SET_NO_NEW_PRIVS, 1)
give_up_files([sys.argv[1], "/absent"], ports[:1] if sys.argv[2] == "some" else None)
for attempt in (
    lambda: open(sys.argv[1]).read(),
    lambda: open(sys.argv[1], "a"),
    lambda: open("/etc/passwd"),
    lambda: socket.socket().connect(("127.0.0.1", ports[0])),
    lambda: socket.socket().connect(("127.0.0.1", ports[1])),
    lambda: socket.socket().bind(("127.0.0.1", 0)),
):
    try:
        attempt()
        print("done", end=" ")
    except PermissionError:
        print("refused", end=" ")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("ports", "other"), [("some", "refused"), ("all", "done")])
def test_files_and_ports_that_are_named_are_kept(tmp_path, ports, other):
    try:
        if landlock_abi() < 4:
            pytest.skip("this kernel's Landlock does not know TCP")
    except OSError:
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "hosts").write_text("localhost")
    (tmp_path / "link").symlink_to(tmp_path / "hosts")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", NAMED, tmp_path / "link", ports]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == f"done refused refused done {other} refused "


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
    asked, rules = [], []

    def call(number: int, *arguments) -> int:
        if number == 444:
            asked.append(arguments)
        if number == 445:
            rules.append(arguments)
        return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(landlock, "landlock_abi", lambda: abi)
    monkeypatch.setattr(landlock, "system_call", call)
    landlock.give_up_files(ports=[80, 443])
    assert len(rules) == (2 if abi >= 4 else 0)
    [(ruleset, told, _)] = asked
    known = ruleset._obj
    assert (known.files, known.tcp, known.scopes) == (2**rights - 1, tcp, scopes)
    assert told.value == size


def test_other_systems_have_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="not Linux"):
        landlock_abi()
