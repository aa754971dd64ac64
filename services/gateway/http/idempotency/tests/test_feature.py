"""Keys go: after a day, and with those whose they are."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from libs.common.contracts.accounts import UserDeleted
from libs.common.contracts.cloudevents import rfc3339
from libs.common.processing.job_kind import Job
from libs.common.store.tables import jobs
from services.gateway.http.idempotency.feature import KeyForgetting
from services.gateway.http.idempotency.jobs import FORGET_KEYS, KEPT_FOR, ForgetKeysJob
from services.gateway.http.idempotency.repeated_requests import HEADER
from services.gateway.http.idempotency.tables import idempotency_keys

pytestmark = pytest.mark.slow

TEXT = {"text": "It was night."}


async def kept(world):
    async with world.database.reading() as connection:
        found = select(idempotency_keys.c.key).order_by(idempotency_keys.c.key)
        return list(await connection.scalars(found))


async def grow_older(world, age):
    then = rfc3339(datetime.now(UTC) - age)
    async with world.database.transaction() as connection:
        await connection.execute(update(idempotency_keys).values(created_at=then))


async def of_kind(world):
    async with world.database.reading() as connection:
        found = select(jobs).where(jobs.c.kind == FORGET_KEYS.name)
        return (await connection.execute(found)).all()


async def test_there_is_one_job_for_all_keys_of_an_hour(world, client):
    for key in ("a", "b"):
        await client.post("/documents", json=TEXT, headers={HEADER: key})
    assert len(await of_kind(world)) <= 2  # an hour may end in between
    assert await kept(world) == ["a", "b"]


async def test_a_key_of_yesterday_is_as_good_as_new(world, client):
    first = await client.post("/documents", json=TEXT, headers={HEADER: "a"})
    await grow_older(world, KEPT_FOR - timedelta(minutes=1))
    again = await client.post("/documents", json=TEXT, headers={HEADER: "a"})
    assert again.json() == first.json()
    await grow_older(world, KEPT_FOR)
    other = await client.post("/documents", json={"text": "Else."}, headers={HEADER: "a"})
    assert other.status_code == 202
    assert other.json()["document_id"] != first.json()["document_id"]


async def test_old_ones_are_removed_some_at_a_time(world):
    now = datetime.now(UTC)
    row = {"token": str(uuid4()), "lease_until_ms": 0, "user_id": str(world.owner)}
    async with world.database.transaction() as connection:
        for number in range(5):
            at = rfc3339(now - timedelta(days=2, seconds=number))
            await connection.execute(
                insert(idempotency_keys).values(**row, key=f"old {number}", created_at=at)
            )
        await connection.execute(
            insert(idempotency_keys).values(**row, key="new", created_at=rfc3339(now))
        )

    async def unused(_effects):
        raise AssertionError

    payload = ForgetKeysJob(until=rfc3339(now - timedelta(days=1)))
    job = Job(id=1, payload=payload, attempt=1, record=unused)
    rounds = 0
    while True:
        [step] = await KeyForgetting(at_a_time=2).forget(job)
        async with world.database.transaction() as connection:
            following = await step(connection)  # type: ignore[operator]
        rounds += 1
        if not following:
            break
    assert (rounds, await kept(world)) == (3, ["new"])


async def test_the_job_does_it(world, client):
    await client.post("/documents", json=TEXT, headers={HEADER: "a"})
    await grow_older(world, timedelta(days=2))
    async with world.database.transaction() as connection:
        due = update(jobs).where(jobs.c.kind == FORGET_KEYS.name)
        await connection.execute(due.values(run_at_ms=0))
    await world.work()
    assert (await kept(world), await of_kind(world)) == ([], [])


async def test_keys_of_a_user_who_is_gone_are_gone(world, client):
    await client.post("/documents", json=TEXT, headers={HEADER: "a"})
    _, token = await world.tokens.create("other")
    async with world.client(token) as other:
        await other.post("/documents", json=TEXT, headers={HEADER: "b"})
    gone = UserDeleted(user_id=world.owner, deleted_by=None)
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(gone))
    assert await kept(world) == ["b"]
