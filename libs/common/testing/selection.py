"""pytest plugin: which tests a fast run leaves out, and which run while no other does.

Nobody has to mark a new test for it to be chosen rightly:

- a test under ``tests/`` is about Lectern as a whole, so it is not fast. If it is not under
  ``tests/contracts``, it runs Lectern, too, and does so alone: it measures times, stops servers, or
  uses all cores
- a test under ``lectern/tests`` runs all five services in one process, so it is not fast
- a test that asks for a server fixture is not fast. If it does so only while it runs, or if the
  server is a thread of its own, it is skipped by :func:`libs.common.testing.fixtures.skip_if_fast`

Two marks are for others. ``alone``: it measures a time, so it runs alone and is not fast. ``slow``:
it takes a fifth of a second or more; the end of a fast run names those that should have it.
"""

from pathlib import Path

import pytest

WHOLE = Path("tests")
PARTS = Path("tests/contracts")
TOGETHER = Path("lectern/tests")
SERVERS_FIXTURE = "servers"
LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption(
        "--fast", action="store_true", help="leave out tests that need a server or run the whole"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "alone: no other test runs at the same time; not fast")
    config.addinivalue_line("markers", "slow: takes a fifth of a second or more; not fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the fast ones, if only they are asked for."""
    if not is_fast(config):
        return
    chosen: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        slow = runs_alone(item) or is_slow(item) or needs_server(item)
        (left_out if slow else chosen).append(item)
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)
    items[:] = chosen


def is_fast(config: pytest.Config) -> bool:
    """Whether the run is to be fast."""
    return bool(config.getoption("fast", default=False))


def runs_alone(item: pytest.Item) -> bool:
    """Whether no other test may run at the same time."""
    return runs_the_whole(item.path, item.config.rootpath) or bool(item.get_closest_marker("alone"))


def runs_the_whole(path: Path, root: Path) -> bool:
    """Whether a test is of those that run Lectern as people do, told by where it is."""
    return path.is_relative_to(root / WHOLE) and not path.is_relative_to(root / PARTS)


def is_slow(item: pytest.Item) -> bool:
    """Whether a test takes long by what it does."""
    together = (item.config.rootpath / folder for folder in (WHOLE, TOGETHER))
    return any(map(item.path.is_relative_to, together)) or bool(item.get_closest_marker("slow"))


def needs_server(item: pytest.Item) -> bool:
    """Whether a fixture of the test, or one that a fixture of it needs, is a server."""
    return SERVERS_FIXTURE in getattr(item, "fixturenames", ())
