import pytest
from sqlalchemy import event

from libs.common.contracts.pages import page_ranges
from libs.common.contracts.permissions import Capability
from services.gateway.documents.selects import document_for
from services.gateway.narrations.facts import newest_narrations
from services.gateway.narrations.options import NarrationOptions


@pytest.mark.slow
async def test_narrations_of_a_long_document_take_as_many_queries_as_of_a_short_one(world):
    async def queries(pages, narrations):
        document = await world.hand_in()
        for page in range(narrations):
            order = NarrationOptions(pages=page_ranges((page + 1,)))
            await world.narrations.narrate(world.owner, document, order)
        await world.read(document, pages)
        statements = []

        def note(connection, cursor, statement, *_):
            statements.append(statement)

        async with world.database.reading() as connection:
            row = await document_for(connection, world.owner, document, Capability.SEE_DOCUMENT)
            engine = world.database.engine.sync_engine
            event.listen(engine, "before_cursor_execute", note)
            found = await newest_narrations(connection, world.kernel.limits, row)
            event.remove(engine, "before_cursor_execute", note)
        assert len(found) == narrations
        return len(statements)

    assert await queries(1, 1) == await queries(6, 3)


async def test_narrations_newest_first(world):
    document = await world.hand_in()
    made = [
        await world.narrations.narrate(world.owner, document, NarrationOptions(rate=rate))
        for rate in (1.0, 1.5)
    ]
    found = await world.narration_queries.narrations(world.owner, document)
    assert [view.narration_id for view in found.items] == made[::-1]
