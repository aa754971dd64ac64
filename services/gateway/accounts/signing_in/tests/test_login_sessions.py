from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import select, update

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.accounts.signing_in import login_sessions
from services.gateway.accounts.signing_in.login_sessions import (
    begin_session,
    end_sessions,
    session_caller,
    sessions_of,
)
from services.gateway.accounts.tables import sessions, users

THEN = "2026-01-01T00:00:00.000000Z"
EARLIER = rfc3339(datetime.now(UTC) - timedelta(days=2))


async def begin(world, user, **more):
    async with world.database.transaction() as connection:
        return await begin_session(connection, user, "x" * 500, **({"remembered": False} | more))


async def somebody(world, *, staff=False):
    user = uuid4()
    async with world.database.transaction() as connection:
        row = {"user_id": str(user), "created_at": THEN, "is_staff": staff}
        await connection.execute(users.insert().values(row))
    return user


async def listed(world, user):
    async with world.database.reading() as connection:
        return await sessions_of(connection, user)


async def test_a_session_is_its_users_until_it_expires(world):
    user = await somebody(world, staff=True)
    new = await begin(world, user)
    caller = await session_caller(world.database, new.secret)
    assert caller is not None
    assert (caller.user_id, caller.name, caller.is_staff) == (user, "session", True)
    assert new.secret not in repr(new)
    async with world.database.transaction() as connection:
        await connection.execute(update(sessions).values(expires_at=THEN))
    assert await session_caller(world.database, new.secret) is None
    assert await listed(world, user) == []


async def test_sessions_of_who_is_disabled_are_none(world):
    user = await somebody(world)
    new = await begin(world, user)
    async with world.database.transaction() as connection:
        await connection.execute(update(users).values(disabled_at=THEN))
    assert await session_caller(world.database, new.secret) is None


async def test_expired_ones_go_and_the_oldest_of_too_many(world, monkeypatch):
    monkeypatch.setattr(login_sessions, "MOST_SESSIONS", 2)
    user = await somebody(world)
    await begin(world, user)
    async with world.database.transaction() as connection:
        await connection.execute(update(sessions).values(expires_at=THEN))
    for _ in range(3):
        newest = await begin(world, user, remembered=True)
    async with world.database.reading() as connection:
        rows = (await connection.execute(select(sessions))).all()
    assert len(rows) == 2
    assert str(newest.session_id) in {row.session_id for row in rows}
    assert {len(row.agent) for row in rows} == {200}


async def test_all_but_one_can_be_ended(world):
    user, other = await somebody(world), await somebody(world)
    kept, gone, foreign = [await begin(world, one) for one in (user, user, other)]
    async with world.database.transaction() as connection:
        assert await end_sessions(connection, user, except_id=kept.session_id) == 1
    assert await session_caller(world.database, gone.secret) is None
    assert await session_caller(world.database, kept.secret) is not None
    assert await session_caller(world.database, foreign.secret) is not None


async def test_when_a_session_was_used_last_is_known_to_the_minute(world):
    user = await somebody(world)
    new = await begin(world, user)
    [before] = await listed(world, user)
    await session_caller(world.database, new.secret)
    assert (await listed(world, user))[0].last_used_at == before.last_used_at
    async with world.database.transaction() as connection:
        await connection.execute(update(sessions).values(last_used_at=EARLIER))
    await session_caller(world.database, new.secret)
    assert (await listed(world, user))[0].last_used_at >= before.last_used_at


async def test_one_that_is_remembered_ends_when_nobody_uses_it(world):
    user = await somebody(world)
    new = await begin(world, user, remembered=True)
    for days, lasts in ((13, True), (14, False)):
        used = rfc3339(datetime.now(UTC) - timedelta(days=days))
        async with world.database.transaction() as connection:
            await connection.execute(update(sessions).values(last_used_at=used))
        assert (await session_caller(world.database, new.secret) is not None) is lasts
    assert await listed(world, user) == []
    await begin(world, user)
    async with world.database.reading() as connection:
        assert len((await connection.execute(select(sessions))).all()) == 1
