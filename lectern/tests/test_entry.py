import importlib
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from lectern.entry import PRELOADED

ROOT = Path(__file__).parents[2]
INTERRUPTED_WHILE_LOADING = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            exec("import os, signal; os.kill(os.getpid(), signal.{number})")

sys.meta_path.insert(0, Interrupting())
from lectern.entry import main
main()
"""


CHILDREN_WHILE_LOADING = """
import sys

class Looking:
    def find_spec(self, name, path=None, target=None):
        if name == "lectern.cli":
            import psutil
            print(*(" ".join(child.cmdline()) for child in psutil.Process().children()), sep="\\n")

sys.meta_path.insert(0, Looking())
from lectern.entry import main
main()
"""


@pytest.mark.parametrize("name", PRELOADED)
def test_what_workers_preload_exists(name):
    """The fork server skips what it cannot import, and every worker would load it by itself."""
    assert importlib.import_module(name)


def test_the_main_module_is_light_for_workers_that_import_it_again():
    script = "import sys, lectern.entry; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    heavy = {"sqlalchemy", "numpy", "pydantic", "aiokafka", "lectern.cli"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(("argument", "expected"), [("read", True), ("topics", False)])
def test_workers_and_parsers_load_while_the_command_line_does(argument, expected):
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN_WHILE_LOADING, argument, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    children, _, _ = done.stdout.partition("usage:")
    assert ("services.ingest.sandbox.zygote" in children) == expected
    assert ("multiprocessing.forkserver" in children) == expected


def interrupted(folder, module, number, argument, **options):
    """Run the command, which gets the signal at the moment when it imports ``module``."""
    script = INTERRUPTED_WHILE_LOADING.format(module=module, number=number)
    (folder / "interrupted.py").write_text(script)
    return subprocess.run(
        [sys.executable, "-m", "interrupted", argument],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("module", ["libs.common.runtime.pool", "lectern.cli"])
def test_an_interruption_while_loading_is_silent(tmp_path, number, module):
    """Raised in code that another module gives to exec(), it would end the process by SIGINT."""
    done = interrupted(tmp_path, module, number, "read")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interruption_that_is_ignored_stays_so(tmp_path):
    """As a shell's ``nohup`` and its jobs in the background ask."""
    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    done = interrupted(tmp_path, "lectern.cli", "SIGINT", "--help", preexec_fn=ignoring)
    assert done.returncode == 0
    assert "COMMAND" in done.stdout
