from uuid import uuid4

import pytest

from services.gateway.kernel.errors import NotFound


async def test_what_the_command_line_needs(world):
    document = await world.hand_in()
    await world.read(document, 2)
    queries = world.document_queries
    view = await queries.document(world.owner, document)
    assert (view.title, view.state, view.pages_ready) == ("A title", "ready", 2)
    listed = await queries.pages(world.owner, document, limit=1, after=1)
    assert ([page.page for page in listed.items], listed.following) == ([2], None)


async def test_what_is_not_there_is_not_found(world):
    queries, nobody = world.document_queries, uuid4()
    for missing in (
        queries.document(world.owner, nobody),
        queries.pages(world.owner, nobody, 10),
    ):
        with pytest.raises(NotFound):
            await missing
