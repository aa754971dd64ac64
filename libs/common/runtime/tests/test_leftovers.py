import asyncio
import os
import tempfile

import pytest

from libs.common.errors import Unavailable
from libs.common.runtime.leftovers import Leftovers
from libs.common.storage.folder import INCOMING, FolderStorage
from libs.common.storage.locked_folders import LockedFolder

PATIENCE_S = 10.0


def killed_in(parent):
    """Leave a folder in ``parent`` as a killed process does."""
    folder = LockedFolder(parent)
    (folder.path / "page").write_bytes(b"what it says")
    path = folder.path
    assert folder._held is not None
    os.close(folder._held[0])
    return path


async def until_gone(*folders):
    async with asyncio.timeout(PATIENCE_S):
        while any(folder.exists() for folder in folders):
            await asyncio.sleep(0.01)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def objects(tmp_path):
    return tmp_path / "objects"


async def test_leftovers_go_at_the_start(temporary, objects):
    left = killed_in(temporary), killed_in(objects / INCOMING)
    leftovers = Leftovers(storage=FolderStorage(objects), every_s=3600.0)
    running = asyncio.create_task(leftovers.run())
    await until_gone(*left)
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)
    assert list(temporary.iterdir()) == list((objects / INCOMING).iterdir()) == []


async def test_what_is_left_later_goes_later(temporary, objects):
    leftovers = Leftovers(storage=FolderStorage(objects), every_s=0.01)
    running = asyncio.create_task(leftovers.run())
    await asyncio.sleep(0.02)
    await until_gone(killed_in(temporary), killed_in(objects / INCOMING))
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)


class Away(FolderStorage):
    """A storage that cannot be reached at first."""

    rounds = 0

    async def remove_leftovers(self) -> None:
        self.rounds += 1
        if self.rounds == 1:
            raise Unavailable("gone")


async def test_a_round_that_fails_is_not_the_last(temporary, objects):
    storage = Away(objects)
    leftovers = Leftovers(storage=storage, every_s=0.01)
    running = asyncio.create_task(leftovers.run())
    async with asyncio.timeout(PATIENCE_S):
        while storage.rounds < 2:
            await asyncio.sleep(0.01)
    leftovers.stop()
    await asyncio.wait_for(running, PATIENCE_S)
