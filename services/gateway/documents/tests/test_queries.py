from datetime import timedelta
from uuid import uuid4

import pytest

from services.gateway.documents import queries
from services.gateway.kernel.errors import NotFound


async def test_what_the_command_line_needs(world):
    document = await world.hand_in()
    await world.read(document, 2)
    asking = world.document_queries
    view = await asking.document(world.owner, document)
    assert (view.title, view.state, view.pages_ready) == ("A title", "ready", 2)
    listed = await asking.pages(world.owner, document, limit=1, after=1)
    assert ([page.page for page in listed.items], listed.following) == ([2], None)


async def test_what_is_not_there_is_not_found(world):
    asking, nobody = world.document_queries, uuid4()
    for missing in (
        asking.document(world.owner, nobody),
        asking.pages(world.owner, nobody, 10),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_what_is_still_to_be_read_is_counted_until_it_is_or_never_will_be(world, monkeypatch):
    monkeypatch.setattr(queries, "COUNTED_FOR", timedelta(minutes=10))
    unparsed = world.document_queries.unparsed
    read, rejected, deleted, _ = [await world.hand_in() for _ in range(4)]
    assert await unparsed(world.owner, 10) == 4
    assert await unparsed(world.owner, 3) == 3
    assert await unparsed(uuid4(), 10) == 0
    await world.read(read, 1)
    await world.reject(rejected)
    await world.documents.delete(world.owner, deleted)
    assert await unparsed(world.owner, 10) == 1


async def test_what_waits_for_long_makes_room(world, monkeypatch):
    await world.hand_in()
    monkeypatch.setattr(queries, "COUNTED_FOR", timedelta(0))
    assert await world.document_queries.unparsed(world.owner, 10) == 0
