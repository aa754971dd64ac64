import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from libs.common.work_folders import (
    LockedFolder,
    remove_left_work_folders,
    remove_unlocked,
    work_folder,
)

WORKING = """
import sys, time
from pathlib import Path
from libs.common.work_folders import LockedFolder

folder = LockedFolder(Path(sys.argv[1]))
(folder.path / "page").write_bytes(b"what it says")
print(folder.path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_goes_with_its_block(temporary):
    with work_folder() as folder:
        (folder / "page").write_bytes(b"x")
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
    assert names(temporary) == []


def test_a_folder_goes_also_when_its_block_fails(temporary):
    with pytest.raises(ValueError, match="wrong"), work_folder():
        raise ValueError("wrong")
    assert names(temporary) == []


def test_a_folder_at_work_is_not_removed(temporary):
    with work_folder() as folder:
        (folder / "page").write_bytes(b"x")
        remove_left_work_folders()
        assert names(folder) == ["page"]


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed_and_not_before(tmp_path):
    command = [sys.executable, "-c", WORKING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as working:
        assert working.stdout is not None
        left = Path(working.stdout.readline().strip())
        remove_unlocked(tmp_path)
        assert names(left) == ["page"]
        working.kill()
    remove_unlocked(tmp_path)
    assert names(tmp_path) == []


def test_a_process_that_was_killed_before_its_folder_was_there(tmp_path):
    (tmp_path / "lectern-x.lock").touch()
    remove_unlocked(tmp_path)
    assert names(tmp_path) == []


def test_a_removal_between_file_and_lock_does_no_harm(tmp_path, monkeypatch):
    lock = fcntl.flock
    removals = iter([True])

    def flock(handle, operation):
        if next(removals, False):
            remove_unlocked(tmp_path)
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    folder = LockedFolder(tmp_path)
    path = folder.path
    monkeypatch.undo()
    remove_unlocked(tmp_path)
    assert names(tmp_path) == [path.name, f"{path.name}.lock"]
    folder.close()


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / "other.lock").touch()
    (tmp_path / "lectern-data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lectern-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lectern-link.lock").symlink_to(tmp_path / "other.lock")
    os.mkfifo(tmp_path / "lectern-pipe.lock")
    before = names(tmp_path)
    remove_unlocked(tmp_path)
    assert set(before) - set(names(tmp_path)) <= {"lectern-pipe.lock"}
    remove_unlocked(tmp_path / "nowhere")


def test_a_lock_stays_as_long_as_its_folder(tmp_path, monkeypatch):
    folder = LockedFolder(tmp_path)
    assert folder.path.is_dir()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    folder.close()
    assert len(names(tmp_path)) == 2
    monkeypatch.undo()
    remove_unlocked(tmp_path)
    assert names(tmp_path) == []


def test_threads_share_one_folder_and_a_closed_one_is_another(tmp_path):
    folder = LockedFolder(tmp_path)
    folder.close()
    assert names(tmp_path) == []
    with ThreadPoolExecutor() as threads:
        (first,) = set(threads.map(lambda _: folder.path, range(20)))
    folder.close()
    assert folder.path != first
    folder.close()
    assert names(tmp_path) == []


def test_a_folder_that_could_not_be_made_is_made_later(tmp_path, monkeypatch):
    make = Path.mkdir

    def full(self, *args, **options):
        if self.parent == tmp_path:
            raise OSError(errno.ENOSPC, "full")
        make(self, *args, **options)

    folder = LockedFolder(tmp_path)
    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="full"):
        _ = folder.path
    assert names(tmp_path) == []
    monkeypatch.undo()
    assert folder.path.is_dir()
    folder.close()
    assert names(tmp_path) == []
