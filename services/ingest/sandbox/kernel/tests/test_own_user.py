import os
import subprocess
import sys

import pytest

from services.ingest.sandbox.kernel import own_user

SCRIPT = """
import os
from services.ingest.sandbox.kernel.own_user import become_own_user
become_own_user()
print(os.getresuid(), os.getresgid(), os.getgroups())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")
def test_root_becomes_somebody_without_a_way_back():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True
    )
    somebody = (own_user.CONFINED_USER,) * 3
    assert done.stdout == f"{somebody} {somebody} []\n"


@pytest.mark.parametrize(
    ("bits", "lacking"), [(0, "KILL"), (1 << 5, "SETGID"), (0b1100000, "SETUID")]
)
def test_who_may_not_is_told_what_is_lacking(monkeypatch, bits, lacking):
    monkeypatch.setattr(own_user, "_capabilities", lambda: bits)
    with pytest.raises(PermissionError, match=f"no CAP_{lacking}"):
        own_user.become_own_user()
