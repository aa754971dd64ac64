import importlib
import subprocess
import sys

import pytest

from lectern.entry import PRELOADED


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
