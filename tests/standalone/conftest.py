"""Fixtures of the tests that run the command line."""

from pathlib import Path

import pytest

from libs.common.testing.report import ran_against
from tests.standalone.command import Lectern


@pytest.fixture
def lectern(tmp_path: Path, pytestconfig: pytest.Config) -> Lectern:
    """The command line in an empty folder."""
    ran_against(pytestconfig, "the embedded broker")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return Lectern(tmp_path, temporary)
