import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from libs.common.errors import Permanent, Unavailable
from libs.common.storage import disk as storage_disk
from libs.common.storage.folder import INCOMING, FolderStorage
from libs.common.testing.killing import let_go_of
from libs.common.work_folders import LOCK


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "objects")


def half_written(objects: Path) -> list[str]:
    incoming = (objects / INCOMING).rglob("*")
    return [path.name for path in incoming if path.is_file() and path.suffix != LOCK]


def failing(number: int):
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number), "/secret/path")

    return fail


async def test_a_full_disk_is_said_in_words_and_leaves_nothing(storage, monkeypatch, tmp_path):
    await storage.write("a", b"before")
    monkeypatch.setattr(storage_disk, "append", failing(errno.ENOSPC))
    with pytest.raises(Unavailable, match="the disk that holds the objects is full"):
        await storage.write("a", b"after")
    monkeypatch.undo()
    assert await storage.read("a") == b"before"
    assert half_written(tmp_path / "objects") == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, Permanent), (errno.EROFS, Permanent), (errno.EIO, Unavailable),
     (errno.EMFILE, Unavailable), (errno.EDQUOT, Unavailable)],
)  # fmt: skip
async def test_errors_of_the_disk_are_ours_and_show_no_path(storage, monkeypatch, number, kind):
    monkeypatch.setattr(storage_disk, "append", failing(number))
    with pytest.raises(kind) as error:
        await storage.write("a", b"x")
    assert "/secret" not in str(error.value)


async def test_a_disk_that_is_almost_full_is_not_ready(storage, monkeypatch):
    monkeypatch.setattr("libs.common.storage.folder.MIN_FREE_BYTES", 2**62)
    with pytest.raises(Unavailable, match="full"):
        await storage.check()


async def test_a_folder_that_cannot_be_made_is_not_ready(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable):
        await FolderStorage(tmp_path / "file").check()


async def test_what_a_killed_process_left_goes_and_nothing_that_is_being_written(storage, tmp_path):
    killed, other = FolderStorage(tmp_path / "objects"), FolderStorage(tmp_path / "objects")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b"half"
        begun.set()
        await go_on.wait()

    writing = asyncio.create_task(storage.write_stream("a", slow(), "x/y"))
    await begun.wait()
    await killed.write("b", b"x")
    (killed._incoming.path / "half").write_bytes(b"page")
    await other.remove_leftovers()
    assert "half" in half_written(tmp_path / "objects")
    let_go_of(killed._incoming)  # as the system does
    await other.remove_leftovers()
    assert "half" not in half_written(tmp_path / "objects")
    go_on.set()
    await writing
    assert await other.read("a") == b"half"


async def test_closed_it_leaves_nothing_and_can_be_used_again(storage, tmp_path):
    for _ in range(2):
        await storage.write("a", b"x")
        await storage.close()
        assert list((tmp_path / "objects" / INCOMING).iterdir()) == []


async def test_a_key_below_a_key_is_refused(storage):
    await storage.write("a", b"x")
    with pytest.raises(Permanent, match="cannot hold both"):
        await storage.write("a/b", b"x")
    await storage.write("c/d", b"x")
    with pytest.raises(Permanent, match="cannot hold both"):
        await storage.write("c", b"x")
    assert await storage.read("c/d") == b"x"


async def test_empty_folders_go_with_their_last_object(storage, tmp_path):
    await storage.write("a/b/c", b"x")
    await storage.write("a/d", b"x")
    await storage.delete("a/b/c")
    assert sorted(path.name for path in (tmp_path / "objects" / "a").iterdir()) == ["d"]
    await storage.delete_prefix("a/")
    assert [path.name for path in (tmp_path / "objects").iterdir()] == [INCOMING]


async def test_writing_while_the_folder_is_pruned(storage, monkeypatch):
    """A delete may remove the folder between its making and the rename into it."""
    made = Path.mkdir
    prunes = iter([True, True, False])

    def mkdir(path, *args, **kwargs):
        made(path, *args, **kwargs)
        if path.name == "folder" and next(prunes, False):
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", mkdir)
    await storage.write("folder/a", b"x")
    assert await storage.read("folder/a") == b"x"


async def test_the_disk_is_never_touched_on_the_event_loop(storage, monkeypatch, tmp_path):
    threads = set()
    append = storage_disk.append

    def noting(path, block):
        threads.add(threading.current_thread())
        append(path, block)

    monkeypatch.setattr(storage_disk, "append", noting)
    await storage.write("a", b"x")
    assert threads
    assert threading.main_thread() not in threads


async def test_with_fsync_it_works_the_same(tmp_path):
    storage = FolderStorage(tmp_path, fsync=True)
    await storage.write("a/b", b"x")
    assert await storage.read("a/b") == b"x"


@pytest.mark.parametrize("linking", [True, False], ids=["linked", "copied"])
async def test_a_file_is_taken_over_and_outlives_its_old_name(
    storage, monkeypatch, tmp_path, linking
):
    objects = tmp_path / "objects"
    await storage.write("first", b"")  # makes the folders
    if not linking:
        monkeypatch.setattr(Path, "hardlink_to", failing(errno.EXDEV))
    made = tmp_path / "made"
    made.write_bytes(b"spoken")
    for _ in range(2):
        ref = await storage.write_file("page", made, "audio/mp4")
        assert (ref.size, (objects / "page").samefile(made)) == (6, linking)
        assert half_written(objects) == []
    made.unlink()
    assert await storage.read("page") == b"spoken"
    assert (objects / "page").stat().st_nlink == 1
