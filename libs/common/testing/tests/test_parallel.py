import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from libs.common.testing.parallel import MachineLock
from libs.common.testing.tests.test_fixtures import CONFTEST, ROOT

SOON_S = 0.2
WRITES_TIMES = """
import time, pytest
def note(name, seconds=0.3):
    began = time.monotonic()
    time.sleep(seconds)
    with open(__file__ + '.' + name, 'w') as file:
        file.write(f'{began} {time.monotonic()}')
"""


@pytest.mark.slow
def test_those_who_share_do_so_and_who_is_alone_waits_for_them(tmp_path: Path) -> None:
    lock = MachineLock(tmp_path)
    entered: list[str] = []

    def enter(name: str, *, alone: bool) -> None:
        with lock.hold(alone=alone):
            entered.append(name)

    with lock.hold(alone=False), lock.hold(alone=False):
        alone = threading.Thread(target=enter, args=["alone"], kwargs={"alone": True})
        alone.start()
        time.sleep(SOON_S)
        later = threading.Thread(target=enter, args=["later"], kwargs={"alone": False})
        later.start()
        time.sleep(SOON_S)
        assert entered == []  # the later one does not overtake
    alone.join()
    later.join()
    assert entered == ["alone", "later"]


def times(file: Path) -> tuple[float, float]:
    began, ended = file.read_text().split()
    return float(began), float(ended)


@pytest.mark.slow
def test_nothing_runs_beside_a_test_that_runs_alone(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_a.py").write_text(
        WRITES_TIMES + "@pytest.mark.alone\ndef test_marked(): note('marked')\n"
        "def test_last(): note('last')\n"
    )
    (tmp_path / "test_b.py").write_text(
        WRITES_TIMES
        + "@pytest.mark.parametrize('i', range(4))\ndef test_it(i): note(str(i), 0.2)\n"
    )
    for name in ("one", "two"):
        whole = tmp_path / "tests" / name
        whole.mkdir(parents=True)
        (whole / f"test_{name}.py").write_text(
            WRITES_TIMES + "import os\n"
            "def test_it(record_testsuite_property): note(os.environ['PYTEST_XDIST_WORKER'])\n"
        )
    options = ["-p", "no:asyncio", f"--basetemp={tmp_path / 'runs'}", "-n2", "--rootdir=.", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "8 passed" in done.stdout, done.stdout + done.stderr
    notes = {file: times(file) for file in tmp_path.rglob("*.py.*")}
    alone = [file for file in notes if file.name.endswith("marked") or "tests" in file.parts]
    assert len({file.suffix for file in alone if "tests" in file.parts}) == 1  # of one worker
    for file in alone:
        began, ended = notes[file]
        others = [notes[other] for other in notes if other != file]
        assert all(end <= began or begin >= ended for begin, end in others), file
