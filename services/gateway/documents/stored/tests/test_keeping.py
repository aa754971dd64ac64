import random
from contextlib import suppress

import pytest
from sqlalchemy import select

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from services.gateway.audio.stored_audio import derive_files
from services.gateway.documents.stored.keeping import sum_up
from services.gateway.documents.stored.tables import owner_storage, stored_files
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world, reference

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """An empty PostgreSQL database, or None for a file."""
    sqlite = request.param == "sqlite"
    return None if sqlite else request.getfixturevalue("postgres_database")


@pytest.fixture
async def world(database_url, tmp_path):
    async with a_world(tmp_path, database_url) as world:
        await world.take(VOICES)
        yield world


async def rows(world):
    """All rows; sums of nothing are left out."""
    files = await world.database.fetch(select(stored_files).order_by(stored_files.c.file_id))
    sums = await world.database.fetch(select(owner_storage).where(owner_storage.c.documents > 0))
    return sorted(map(tuple, files)), sorted(map(tuple, sums))


async def derived(world, derive):
    async with world.database.transaction() as connection:
        await derive(connection)
    return await rows(world)


async def used(world):
    row = await world.database.fetch(select(owner_storage.c.documents, owner_storage.c.bytes))
    return tuple(row[0])


async def test_a_file_its_audio_and_its_audiobook_count_until_they_are_deleted(world):
    document = await world.hand_in(b"some text")
    assert await used(world) == (1, 9)
    await world.read(document, 2)
    await world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b"))
    await world.speak_everything()
    spoken = len(b'0123456789{"version":1}WEBVTT\n')
    assert await used(world) == (1, 9 + 2 * spoken)
    (book,) = await world.decided(AudiobookRequested)
    await world.bind(book, object=reference("book", b"a book"))
    assert await used(world) == (1, 9 + 2 * spoken + 6)
    first, _ = await world.decided(AudioRequested)
    await world.audio.delete(world.owner, first.audio_id)
    assert await used(world) == (1, 9 + spoken + 6)
    before = await rows(world)
    assert await derived(world, derive_files) == before
    await world.audio.delete_audiobook(world.owner, book.audiobook_id)
    assert await used(world) == (1, 9 + spoken)
    await world.documents.delete(world.owner, document)
    assert await used(world) == (0, 0)
    assert await rows(world) == ([], [])


async def test_what_is_ready_after_it_was_deleted_is_not_counted(world):
    gone, left = await world.hand_in(), await world.hand_in()
    for document in (gone, left):
        await world.read(document, 1)
        await world.narrations.narrate(world.owner, document, NarrationOptions())
    of_gone, of_left = await world.appended(AudioRequested)
    await world.documents.delete(world.owner, gone)
    await world.audio.delete(world.owner, of_left.audio_id)
    for late in (of_gone, of_left):
        await world.speak(late)
    assert await used(world) == (1, 9)


class Life:
    """Things that happen to documents and their audio, in any order."""

    def __init__(self, world, seed):
        self.world, self.chance, self.documents = world, random.Random(seed), []

    async def hand_in(self):
        document = await self.world.hand_in(b"x" * self.chance.randint(1, 50))
        await self.world.read(document, self.chance.randint(1, 3))
        self.documents.append(document)
        options = NarrationOptions(rate=self.chance.choice([1.0, 1.5]))
        await self.world.narrations.narrate(self.world.owner, document, options)

    async def speak(self):
        """Also what was deleted, and what was spoken before, in other lengths."""
        if asked := await self.world.appended(AudioRequested):
            spoken = b"x" * self.chance.randint(1, 50)
            await self.world.speak(self.chance.choice(asked), spoken)

    async def delete_audio(self):
        if asked := await self.world.appended(AudioRequested):
            with suppress(NotFound):
                await self.world.audio.delete(self.world.owner, self.chance.choice(asked).audio_id)

    async def delete(self):
        if self.documents:
            await self.world.documents.delete(self.world.owner, self.documents.pop())

    async def happen(self, times):
        await self.hand_in()
        steps = [self.hand_in, self.speak, self.speak, self.delete_audio, self.delete]
        for _ in range(times):
            await self.chance.choice(steps)()
        await self.hand_in()


@pytest.mark.parametrize("seed", range(3))
async def test_the_sums_are_those_of_a_rebuild_whatever_happened(world, seed):
    await Life(world, seed).happen(25)
    before = await rows(world)
    assert before[0]
    assert await derived(world, derive_files) == before
    assert await derived(world, sum_up) == before
