import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from services.gateway.http.problems import Refused
from services.gateway.narrations.submitting import room
from services.gateway.narrations.submitting.room import room_for_one
from services.gateway.tests.world import a_world


async def test_documents_that_are_being_handed_in_count(tmp_path):
    async with a_world(tmp_path, max_unparsed_documents_per_owner=3) as world:
        await world.hand_in()
        entered, gate, refused = [], asyncio.Event(), []

        async def hand_in():
            try:
                async with room_for_one(world.kernel, world.owner):
                    entered.append(1)
                    await gate.wait()
            except Refused as error:
                refused.append(error)

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(hand_in())
            while len(entered) + len(refused) < 8:
                await asyncio.sleep(0.01)
            gate.set()
        assert (len(entered), len(refused)) == (2, 6)
        assert not world.kernel.being_handed_in


async def test_each_owner_has_room_of_their_own(tmp_path):
    async with (
        a_world(tmp_path, max_unparsed_documents_per_owner=1) as world,
        room_for_one(world.kernel, uuid4()),
        room_for_one(world.kernel, uuid4()),
    ):
        assert len(world.kernel.being_handed_in) == 2


async def test_what_could_not_be_handed_in_leaves_its_room(tmp_path):
    async with a_world(tmp_path, max_unparsed_documents_per_owner=1) as world:

        async def fail():
            async with room_for_one(world.kernel, world.owner):
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        assert not world.kernel.being_handed_in


async def test_a_file_that_takes_its_time_keeps_nothing_else_out(tmp_path, monkeypatch):
    async with (
        a_world(tmp_path, max_unparsed_documents_per_owner=1) as world,
        room_for_one(world.kernel, world.owner),
    ):
        with pytest.raises(Refused):
            await room_for_one(world.kernel, world.owner).__aenter__()
        monkeypatch.setattr(room, "COUNTED_FOR", timedelta(0))
        async with room_for_one(world.kernel, world.owner):
            pass
