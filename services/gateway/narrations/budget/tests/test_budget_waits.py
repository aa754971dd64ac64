from uuid import uuid4

import pytest

from libs.common.contracts.narrations import NarrationFailed
from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.budget.budget_waits import is_used_up
from services.gateway.narrations.budget.tests.days import restart, resume
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.ending import TIMEOUT
from services.gateway.watching.status import Watch

pytestmark = pytest.mark.slow


async def seen(world, narration):
    return await world.narration_queries.narration(world.owner, narration)


async def used_up(world, owner):
    async with world.database.reading() as connection:
        return await is_used_up(connection, world.kernel.limits, owner)


async def test_who_waits_is_told_why_since_when_and_until_when(world, clock):
    document = await world.hand_in()
    await world.read(document, 3)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    view = await seen(world, narration)
    assert (view.state, view.wait.reason, view.wait.resumes_at) == (
        "working",
        "characters_per_day",
        clock.tomorrow,
    )
    assert view.requested_at <= view.wait.since < view.wait.resumes_at
    _, status = await Watch(world.database, world.kernel.limits, document).look(None)
    assert status is not None
    assert status.narrations == (view,)
    clock.next_day()
    assert (await seen(world, narration)).wait is None
    await resume(world)
    await world.speak_everything()
    assert ((await seen(world, narration)).state, await used_up(world, world.owner)) == (
        "ready",
        False,
    )


async def test_a_later_order_waits_since_it_was_given_and_says_so_in_its_answer(world, clock):
    first, second = [await world.hand_in() for _ in range(2)]
    for document in (first, second):
        await world.read(document, 3)
    await world.narrations.narrate(world.owner, first, NarrationOptions())
    async with world.client() as client:
        answer = await client.post(f"/documents/{second}/narrations", json={"pages": "1"})
        described = (await client.get("/openapi.json")).json()
    told = answer.json()
    assert (answer.status_code, told["state"]) == (202, "working")
    assert told["wait"] == {
        "reason": "characters_per_day",
        "since": told["requested_at"],
        "resumes_at": clock.tomorrow,
    }
    assert described["components"]["schemas"]["NarrationWait"]["required"] == [*told["wait"]]


async def test_an_order_that_will_be_too_much_says_so_while_it_is_being_made(tmp_path, world):
    restart(world, max_pages_in_flight_per_owner=1)
    document = await world.hand_in()
    await world.read(document, 3)
    narrate = world.narrations.narrate
    some = await narrate(world.owner, document, NarrationOptions(pages=page_ranges((1, 2))))
    assert (await seen(world, some)).wait is None
    every = await narrate(world.owner, document, NarrationOptions(rate=1.5))
    wait = (await seen(world, every)).wait
    assert (wait.since, wait.reason) == (None, "characters_per_day")
    assert not await used_up(world, world.owner)


async def test_who_waits_for_nothing_is_told_nothing(world, clock):
    document = await world.hand_in()
    await world.read(document, 2)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert (await seen(world, narration)).wait is None
    await world.speak_everything()
    assert (await seen(world, narration)).wait is None
    unread = await world.hand_in()
    waiting = await world.narrations.narrate(world.owner, unread, NarrationOptions())
    assert (await seen(world, waiting)).wait is None
    assert not await used_up(world, uuid4())


async def test_a_raised_budget_or_none_is_used_at_once(world, clock):
    document = await world.hand_in()
    await world.read(document, 3)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    assert await used_up(world, world.owner)
    for most in (36, 0):
        restart(world, max_characters_per_owner_and_day=most)
        assert (await seen(world, narration)).wait is None
        assert not await used_up(world, world.owner)


async def test_one_that_has_ended_waits_no_more(world, clock):
    document = await world.hand_in()
    await world.read(document, 3)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    ended = NarrationFailed(
        document_id=document,
        owner_id=world.owner,
        narration_id=narration,
        requested_by=world.owner,
        pages_total=3,
        pages_ready=0,
        pages_silent=0,
        pages_missing=0,
        code=TIMEOUT,
        missing=(),
    )
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(ended))
    assert (await seen(world, narration)).wait is None
    clock.next_day()
    await resume(world)
    assert not await used_up(world, world.owner)
