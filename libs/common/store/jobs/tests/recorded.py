"""Jobs to test with: recorded, claimed, looked at."""

from pydantic import BaseModel
from sqlalchemy import select

from libs.common.store.effects import apply
from libs.common.store.jobs.claiming import SlotRequest, claim
from libs.common.store.jobs.due import make_ready
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import job_queues, jobs, now_ms

LEASE_MS = 30_000


class Payload(BaseModel):
    n: int


def a_job(n, **options):
    return NewJob(**{"kind": "k", "payload": Payload(n=n), "subject": f"s{n}", **options})


async def add(database, *numbers, **options):
    async with database.transaction() as connection:
        await apply(connection, [a_job(n, **options) for n in numbers], "trace")


def room(kind="k", free=1, share=99, most=99, passed_over=(), **held):
    return SlotRequest(
        kind=kind,
        free=free,
        share=share,
        most=most,
        held=held,
        passed_over=frozenset(passed_over),
    )


async def become_due(database, *kinds):
    async with database.transaction() as connection:
        return await make_ready(connection, kinds or ["k"])


async def take_some(database, *, lease_ms=LEASE_MS, **wanted):
    await become_due(database, wanted.get("kind", "k"))
    async with database.transaction() as connection:
        return await claim(connection, room(**wanted), lease_ms)


async def take(database, **wanted):
    claimed = await take_some(database, **wanted)
    return claimed[0] if claimed else None


def number(held):
    return Payload.model_validate_json(held.payload).n


async def numbers(database, count):
    """Take so many, one after the other."""
    return [number(await take(database)) for _ in range(count)]


async def rows(database):
    return await database.fetch(select(jobs).order_by(jobs.c.id))


async def queues(database):
    """The ready jobs of each owner as its queue counts them, checked against the rows."""
    counted = await database.fetch(
        select(job_queues.c.kind, job_queues.c.owner, job_queues.c.ready)
    )
    ready = [(row.kind, row.owner) for row in await rows(database) if row.status == "ready"]
    assert {(kind, owner): ready.count((kind, owner)) for kind, owner, _ in counted} == {
        (kind, owner): count for kind, owner, count in counted
    }
    assert set(ready) == {(kind, owner) for kind, owner, _ in counted}
    return {owner: count for _, owner, count in counted}


async def ahead_ms(database, column):
    """How far in the future a moment of the only job is, by the clock of the database."""
    [(ahead,)] = await database.fetch(select(jobs.c[column] - now_ms()))
    return ahead


async def set_all(database, **values):
    async with database.transaction() as connection:
        await connection.execute(jobs.update().values(**values))


async def expire(database):
    await set_all(database, lease_until_ms=1)
