import pytest

from libs.common.testing.killing import let_go_of
from libs.common.work_folders import LockedFolder, remove_unlocked


def test_a_folder_that_was_let_go_of_is_one_of_a_killed_process(tmp_path):
    folder = LockedFolder(tmp_path)
    path = folder.path
    remove_unlocked(tmp_path)
    assert path.is_dir()
    let_go_of(folder)
    assert path.is_dir()
    remove_unlocked(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_a_folder_in_use_can_be_let_go_of(tmp_path):
    with pytest.raises(ValueError, match="not in use"):
        let_go_of(LockedFolder(tmp_path))
