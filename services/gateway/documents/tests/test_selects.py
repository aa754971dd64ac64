from uuid import uuid4

import pytest

from libs.common.contracts.permissions import Capability, Role
from services.gateway.documents.selects import document_for, role_on
from services.gateway.kernel.errors import NotFound


async def found(world, caller, document, capability=Capability.SEE_DOCUMENT):
    async with world.database.reading() as connection:
        return await document_for(connection, caller, document, capability)


async def test_owners_find_their_documents(world):
    document = await world.hand_in()
    row = await found(world, world.owner, document, Capability.DELETE_DOCUMENT)
    assert row.document_id == document
    async with world.database.reading() as connection:
        assert await role_on(connection, row, world.owner) is Role.OWNER
        assert await role_on(connection, row, uuid4()) is Role.STRANGER


@pytest.mark.parametrize("capability", list(Capability))
async def test_strangers_find_nothing(world, capability):
    document = await world.hand_in()
    with pytest.raises(NotFound):
        await found(world, uuid4(), document, capability)


async def test_what_was_deleted_or_never_was_is_not_found(world):
    document = await world.hand_in()
    await world.documents.delete(world.owner, document)
    for missing in (document, uuid4()):
        with pytest.raises(NotFound):
            await found(world, world.owner, missing)


async def test_a_document_that_nobody_handed_in_yet_is_not_found(world):
    document = uuid4()
    await world.parse(document, 1)
    with pytest.raises(NotFound):
        await found(world, world.owner, document)
