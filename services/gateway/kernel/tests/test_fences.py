import pytest

from libs.common.contracts.documents import DocumentSubmitted
from services.gateway.kernel.fences import fenced_by, pass_fence


class Shut(Exception):
    pass


async def shut(_connection):
    raise Shut


async def test_what_is_decided_behind_a_fence_that_is_shut_is_not_committed(world):
    with pytest.raises(Shut), fenced_by(shut):
        await world.hand_in()
    assert await world.appended(DocumentSubmitted) == []
    await world.hand_in()
    assert len(await world.appended(DocumentSubmitted)) == 1


async def test_what_decides_nothing_passes(world):
    with fenced_by(shut):
        async with world.kernel.transaction() as command:
            await command.apply([])
    async with world.database.reading() as connection:
        await pass_fence(connection)
