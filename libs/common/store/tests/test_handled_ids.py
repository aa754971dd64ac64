import asyncio
import random
from time import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.store import handled_ids
from libs.common.store.handled_ids import IDS_PER_PACK, KEEP_MS, handled_before, pack_old
from libs.common.store.inbox import first_deliveries, give_up, state_of, unhandled_ids
from libs.common.store.tables import handled, inbox
from libs.common.testing.records import arrival

NOW_MS = int(time() * 1000)
LONG_AGO_MS = NOW_MS - 10 * KEEP_MS


def made_at(moment_ms):
    """An event whose id is of a moment."""
    event_id = UUID(int=moment_ms << 80 | 7 << 76 | 2 << 62 | random.getrandbits(62))
    return DocumentDeleted(
        event_id=event_id, document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4()
    )


async def deliver(database, events, **options):
    async with database.transaction() as connection:
        arrivals = [arrival(event) for event in events]
        return await first_deliveries(connection, "synth", arrivals, **options)


async def pack(database):
    moved = 0
    while True:
        async with database.transaction() as connection:
            some = await pack_old(connection, "synth")
        moved += some
        if not some:
            return moved


async def count(database, table):
    return (await database.fetch(select(func.count()).select_from(table)))[0][0]


def ids(events):
    return {str(event.event_id) for event in events}


async def test_a_packed_event_that_is_sent_again_is_known(database):
    old, unknown = made_at(LONG_AGO_MS), made_at(LONG_AGO_MS)
    assert await deliver(database, [old]) == ids([old])
    assert await pack(database) == 1
    assert await count(database, inbox) == 0
    assert await deliver(database, [old, unknown]) == ids([unknown])
    assert await count(database, inbox) == 1
    async with database.transaction() as connection:
        assert await state_of(connection, "synth", arrival(old)) == "handled"
        assert not await give_up(connection, "synth", arrival(old))
        assert await handled_before(connection, "notifier", ids([old])) == set()
        lacking = await unhandled_ids(connection, "synth", [*ids([old, unknown]), str(uuid4())])
    assert len(lacking) == 1
    assert lacking.isdisjoint(ids([old, unknown]))


async def test_rows_that_say_more_than_an_id_stay(database):
    kept, lost, young = made_at(LONG_AGO_MS), made_at(LONG_AGO_MS), made_at(NOW_MS)
    await deliver(database, [kept], keep=True)
    await deliver(database, [young])
    async with database.transaction() as connection:
        await give_up(connection, "synth", arrival(lost))
    assert await pack(database) == 0
    assert await count(database, inbox) == 3


@pytest.mark.parametrize("seed", range(3))
async def test_whenever_ids_were_made_each_event_is_handled_once(database, seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(handled_ids, "IDS_PER_PACK", 4)
    monkeypatch.setattr(handled_ids, "IDS_AT_ONCE", 7)
    moments = [NOW_MS - chance.randrange(4 * KEEP_MS) for _ in range(15)]
    events = [made_at(chance.choice(moments) + chance.randrange(3)) for _ in range(90)]
    events += [made_at(1), made_at(2**48 - 1)]
    done = []
    for _ in range(30):
        done += await deliver(database, chance.choices(events, k=12))
        if chance.random() < 0.5:
            async with database.transaction() as connection:
                await pack_old(connection, "synth")
    done += await deliver(database, events)
    await pack(database)
    done += await deliver(database, events)
    assert sorted(done) == sorted(ids(events))
    packs = await database.fetch(select(handled).order_by(handled.c.first_id))
    packed = [row.ids[at : at + 16] for row in packs for at in range(0, len(row.ids), 16)]
    assert packed == sorted(set(packed))
    assert [UUID(row.first_id).bytes for row in packs] == [row.ids[:16] for row in packs]
    assert max(len(row.ids) for row in packs) <= 4 * 16


async def test_the_inbox_stops_to_grow_and_packs_are_full(database):
    left, packs = [], []
    for day in range(6):
        await deliver(database, [made_at(LONG_AGO_MS + day) for _ in range(2 * IDS_PER_PACK)])
        await pack(database)
        left.append(await count(database, inbox))
        packs.append(await count(database, handled))
    assert left == [0] * 6
    assert packs == [2, 4, 6, 8, 10, 12]


async def test_what_is_packed_meanwhile_is_known_too(database):
    old = [made_at(LONG_AGO_MS + number) for number in range(50)]
    await deliver(database, old)
    again = [deliver(database, old[number:]) for number in range(0, 50, 10)]
    *delivered, one, other = await asyncio.gather(*again, pack(database), pack(database))
    assert delivered == [set()] * 5
    assert (one + other, await count(database, inbox)) == (50, 0)
