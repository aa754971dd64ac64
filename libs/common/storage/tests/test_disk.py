import errno
import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.errors import ObjectNotFound, Permanent, Unavailable
from libs.common.storage import disk


def test_append_adds_and_makes(tmp_path):
    disk.append(tmp_path / "a", b"one")
    disk.append(tmp_path / "a", b" two")
    assert (tmp_path / "a").read_bytes() == b"one two"


def test_copy_is_whole_or_not_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        disk.copy(tmp_path / "none", tmp_path / "new" / "b")
    assert list((tmp_path / "new").iterdir()) == []
    disk.append(tmp_path / "a", b"text")
    disk.copy(tmp_path / "a", tmp_path / "new" / "b")
    assert (tmp_path / "new" / "b").read_bytes() == b"text"


def test_the_size_of_a_file_and_of_nothing(tmp_path):
    disk.append(tmp_path / "a", b"12345")
    assert disk.size_of(tmp_path / "a") == 5
    assert disk.size_of(tmp_path / "none") is None
    assert disk.size_of(tmp_path) is None


def test_start_makes_the_folders_and_discard_is_patient(tmp_path):
    disk.start(tmp_path / "a" / "b" / "c")
    assert disk.size_of(tmp_path / "a" / "b" / "c") == 0
    disk.discard(tmp_path / "a" / "b" / "c")
    disk.discard(tmp_path / "a" / "b" / "c")


def test_sync_takes_files_and_folders(tmp_path):
    disk.append(tmp_path / "a", b"x")
    disk.sync(tmp_path / "a")
    disk.sync(tmp_path)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(names=st.sets(st.from_regex(r"[a-b.-]{1,2}(/[a-b0]){0,2}", fullmatch=True), max_size=8))
def test_keys_are_sorted_as_strings(names, tmp_path_factory):
    root = tmp_path_factory.mktemp("keys")
    kept = set()
    for name in names:
        if any(part.startswith((".", "..")) for part in name.split("/")):
            continue
        try:
            disk.start(root / name)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            continue
        if (root / name).is_file():
            kept.add(name)
    assert list(disk.keys_below(root, "", "")) == sorted(kept)
    assert list(disk.keys_below(root, "", "a")) == sorted(k for k in kept if k.startswith("a"))


def test_what_is_not_ours_is_not_listed(tmp_path):
    for name in (".DS_Store", "with space", "kept"):
        disk.start(tmp_path / name)
    assert list(disk.keys_below(tmp_path, "", "")) == ["kept"]
    assert list(disk.keys_below(tmp_path / "none", "", "")) == []


def test_a_copy_is_measured(tmp_path):
    data = bytes(range(256)) * 10_000
    (tmp_path / "source").write_bytes(data)
    disk.start(tmp_path / "target")
    for target in (tmp_path / "target", tmp_path / "new" / "folder" / "target"):
        with (tmp_path / "source").open("rb", buffering=0) as source:
            measured = disk.copy_measured(source, target)
        assert measured == (hashlib.sha256(data).hexdigest(), len(data))
        assert target.read_bytes() == data


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (FileNotFoundError(errno.ENOENT, "x"), ObjectNotFound),
        (IsADirectoryError(errno.EISDIR, "x"), ObjectNotFound),
        (OSError(errno.ENOSPC, "x"), Unavailable),
        (PermissionError(errno.EACCES, "x"), Permanent),
        (OSError(errno.EIO, "x"), Unavailable),
    ],
)
def test_errors_are_ours_and_show_no_path(raised, expected):
    with pytest.raises(expected) as caught, disk.translated("a/key"):
        raise raised
    assert "/tmp" not in str(caught.value)
