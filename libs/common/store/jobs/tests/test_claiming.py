import asyncio

import pytest

from libs.common.store.jobs.claiming import Outlook, claim, claim_suspect, look
from libs.common.store.jobs.held_jobs import end
from libs.common.store.jobs.tests.recorded import (
    LEASE_MS,
    add,
    ahead_ms,
    expire,
    number,
    numbers,
    queues,
    room,
    rows,
    set_all,
    take,
    take_some,
)


async def test_a_job_is_claimed_once(database):
    await add(database, 1, owner="o")
    held = await take(database)
    assert (held.attempts, held.crashes, held.traceparent, held.owner) == (1, 0, "trace", "o")
    assert number(held) == 1
    assert await take(database) is None
    assert await queues(database) == {}


async def test_other_kinds_are_left_alone(database):
    await add(database, 1)
    assert await take(database, kind="other") is None


async def test_a_lease_is_counted_from_now(database):
    await add(database, 1)
    await take(database, lease_ms=60_000)
    assert 30_000 < await ahead_ms(database, "lease_until_ms") <= 60_000


async def test_owners_take_turns(database):
    await add(database, *range(4), owner="busy")
    await add(database, 100, owner="small")
    assert await numbers(database, 5) == [0, 100, 1, 2, 3]


async def test_an_owner_who_comes_late_does_not_overtake_for_ever(database):
    await add(database, *range(3), owner="first")
    assert await numbers(database, 1) == [0]
    await add(database, *range(10, 13), owner="late")
    assert await numbers(database, 5) == [1, 10, 2, 11, 12]


async def test_who_comes_with_one_job_after_the_other_gets_every_other_turn(database):
    await add(database, *range(4), owner="busy")
    order = []
    for n in range(10, 13):
        await add(database, n, owner="steady")
        order += await numbers(database, 2)
    assert order == [0, 10, 1, 11, 2, 12]


async def test_several_are_claimed_at_once_and_shared(database):
    await add(database, *range(9), owner="busy")
    await add(database, 100, 101, owner="small")
    assert sorted(map(number, await take_some(database, free=4))) == [0, 1, 100, 101]
    assert list(map(number, await take_some(database, free=9))) == [2, 3, 4, 5, 6, 7, 8]
    assert await queues(database) == {}


async def test_who_has_a_share_is_passed_over_while_others_wait(database):
    await add(database, *range(9), owner="busy")
    await add(database, 100, 101, owner="small")
    assert list(map(number, await take_some(database, share=2, busy=2))) == [100]
    assert list(map(number, await take_some(database, share=2, busy=2))) == [101]
    assert list(map(number, await take_some(database, share=2, busy=2))) == [0]


async def test_who_has_the_most_gets_no_more_though_nobody_else_waits(database):
    await add(database, *range(9), owner="busy")
    assert list(map(number, await take_some(database, free=8, share=3, most=3))) == [0, 1, 2]
    assert await take_some(database, free=8, share=3, most=3, busy=3) == []
    assert await queues(database) == {"busy": 6}


async def test_who_is_passed_over_gets_none_and_keeps_the_turn(database):
    await add(database, *range(2), owner="busy")
    await add(database, 100, 101, owner="small")
    assert list(map(number, await take_some(database, free=2, passed_over=["busy"]))) == [100, 101]
    assert await take_some(database, free=2, passed_over=["busy"]) == []
    assert list(map(number, await take_some(database, free=2))) == [0, 1]


async def test_jobs_of_one_owner_are_in_the_order_in_which_they_are_due(database):
    await add(database, 1)
    await set_all(database, run_at_ms=2_000)
    await add(database, 2)
    assert await numbers(database, 2) == [1, 2]


async def test_claims_at_a_time_never_share_a_job(database):
    await add(database, *range(15), owner="a")
    await add(database, *range(15, 30), owner="b")

    async def some():
        return [number(held) for held in await take_some(database, free=4)]

    found = [n for batch in await asyncio.gather(*(some() for _ in range(12))) for n in batch]
    assert len(found) == len(set(found))
    while batch := await some():
        found += batch
    assert sorted(found) == list(range(30))


async def test_many_workers_share_the_only_queue_without_looking_again(database):
    await add(database, *range(20))

    async def worker():
        mine = []
        while held := await take(database):
            mine.append(number(held))
            async with database.transaction() as connection:
                assert await end(connection, held)
        return mine

    done = [n for mine in await asyncio.gather(*(worker() for _ in range(4))) for n in mine]
    assert sorted(done) == list(range(20))
    assert await rows(database) == []


@pytest.mark.parametrize("kinds", [["k"], ["other", "k"]])
async def test_looking_tells_what_there_is_to_do(database, kinds):
    async def seen():
        async with database.querying() as connection:
            return await look(connection, kinds)

    nothing: frozenset[str] = frozenset()
    assert await seen() == Outlook(due=False, ready=nothing, suspects=nothing)
    await add(database, 1)
    assert await seen() == Outlook(due=False, ready=frozenset(["k"]), suspects=nothing)
    await take(database)
    assert await seen() == Outlook(due=False, ready=nothing, suspects=nothing)
    await expire(database)
    assert await seen() == Outlook(due=True, ready=nothing, suspects=nothing)
    await set_all(database, status="waiting")
    assert await seen() == Outlook(due=True, ready=nothing, suspects=nothing)
    await set_all(database, status="suspect")
    assert await seen() == Outlook(due=False, ready=nothing, suspects=frozenset(["k"]))


async def test_a_suspect_is_claimed_by_itself_alone(database):
    await add(database, 1)
    await take(database)
    await set_all(database, status="suspect")
    async with database.transaction() as connection:
        assert await claim(connection, room(), LEASE_MS) == []
        assert await claim_suspect(connection, "other", LEASE_MS) is None
        assert number(await claim_suspect(connection, "k", LEASE_MS)) == 1
        assert await claim_suspect(connection, "k", LEASE_MS) is None
