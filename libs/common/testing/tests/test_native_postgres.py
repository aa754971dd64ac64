import os
import shutil
from pathlib import Path

import pytest

from libs.common.testing import native_postgres
from libs.common.testing.native_postgres import find_programs, unprivileged_user
from libs.common.testing.processes import ServerMissing


def test_without_postgresql_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(native_postgres, "FOLDERS", ("/nowhere/*/bin",))
    with pytest.raises(ServerMissing, match="install the package postgresql"):
        find_programs()


def test_takes_the_newest_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    (tmp_path / "18" / "bin").mkdir(parents=True)  # client programs only
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(native_postgres, "FOLDERS", (f"{tmp_path}/*/bin",))
    assert find_programs() == tmp_path / "17" / "bin"


@pytest.mark.parametrize(("effective", "expected"), [(1000, {None}), (0, {"postgres", "nobody"})])
def test_only_root_runs_it_as_somebody_else(
    monkeypatch: pytest.MonkeyPatch, effective: int, expected: set[str | None]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: effective)
    assert unprivileged_user() in expected
