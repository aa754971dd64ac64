"""Fixtures of the tests that run the command line."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from libs.common.testing.report import ran_against
from tests.standalone.command import Lectern


@pytest.fixture
def lectern(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Lectern]:
    """The command line in an empty folder."""
    ran_against(pytestconfig, "the embedded broker")
    # Sockets lie there, and their paths have to be short: those of pytest are not.
    with TemporaryDirectory(prefix="lectern-") as temporary:
        yield Lectern(tmp_path, Path(temporary))
