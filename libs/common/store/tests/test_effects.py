from uuid import uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import delete, func, insert, select

from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.upsert import add_once
from libs.common.errors import Conflict
from libs.common.store.effects import Append, Together, UnitOfWork, apply
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import events, jobs, tombstones


class Payload(BaseModel):
    n: int


def deleted():
    return DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())


def noted(subject):
    return add_once(tombstones, subject=subject)


def job(n, owner=""):
    return NewJob(kind="k", payload=Payload(n=n), subject=f"s/{n}", owner=str(owner))


async def known(connection):
    found = await connection.scalars(select(tombstones.c.subject).order_by(tombstones.c.subject))
    return list(found)


async def test_everything_happens_and_each_event_keeps_its_trace(database):
    one, two = deleted(), deleted()
    async with database.transaction() as connection:
        work = UnitOfWork(connection)
        await work.add([one, noted("a"), job(1)], "trace-1")
        await work.add([noted("b"), two, job(2)], "trace-2")
        await work.finish()
        stored = (await connection.execute(select(events).order_by(events.c.id))).all()
        working = (await connection.execute(select(jobs).order_by(jobs.c.id))).all()
        assert await known(connection) == ["a", "b"]
    assert [(row.event_id, row.traceparent) for row in stored] == [
        (str(one.event_id), "trace-1"),
        (str(two.event_id), "trace-2"),
    ]
    assert [row.traceparent for row in working] == ["trace-1", "trace-2"]


async def test_events_of_one_stream_get_versions_in_their_order(database):
    document = uuid4()
    three = [
        DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(3)
    ]
    async with database.transaction() as connection:
        await apply(connection, three[:2], None)
        await apply(connection, three[2:], None)
        stored = await connection.execute(select(events.c.event_id, events.c.version))
        assert dict(tuple(row) for row in stored) == {
            str(event.event_id): number for number, event in enumerate(three, 1)
        }


async def test_a_decision_is_recorded_on_the_version_that_it_was_made_on(database):
    document = uuid4()
    first, second, third = (
        DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(3)
    )
    async with database.transaction() as connection:
        await apply(connection, [Append([first, second], expected=0), third], "trace")
        stored = await connection.execute(
            select(events.c.event_id, events.c.version, events.c.traceparent)
        )
        assert [tuple(row) for row in stored] == [
            (str(first.event_id), 1, "trace"),
            (str(second.event_id), 2, "trace"),
            (str(third.event_id), 3, "trace"),
        ]


async def test_a_decision_that_is_too_late_takes_all_other_effects_with_it(database):
    document = uuid4()
    too_late = DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())
    async with database.transaction() as connection:
        await apply(
            connection,
            [DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())],
            None,
        )
    with pytest.raises(Conflict):
        async with database.transaction() as connection:
            await apply(connection, [noted("a"), Append([too_late], expected=0)], None)
    async with database.reading() as connection:
        assert await known(connection) == []


async def test_an_event_before_it_in_the_same_transaction_counts_too(database):
    document = uuid4()
    one, other = (
        DocumentDeleted(document_id=document, owner_id=uuid4(), deleted_by=uuid4())
        for _ in range(2)
    )
    with pytest.raises(Conflict):
        async with database.transaction() as connection:
            await apply(connection, [one, Append([other], expected=0)], None)


async def test_a_step_sees_what_came_before_it_and_its_effects_count(database):
    async def step(connection):
        return [noted(f"after {event_id}") for event_id in await known(connection)]

    async with database.transaction() as connection:
        await apply(connection, [noted("a"), step, noted("z")], None)
        assert await known(connection) == ["a", "after a", "z"]


async def test_a_statement_comes_in_its_turn(database):
    async with database.transaction() as connection:
        await apply(connection, [noted("a"), delete(tombstones), noted("b")], None)
        assert await known(connection) == ["b"]


async def test_what_is_cancelled_was_there_before(database):
    async with database.transaction() as connection:
        await apply(connection, [job(1), CancelJobs("s"), job(2)], None)
        found = await connection.scalars(select(jobs.c.id))
        assert list(found) == [2]


async def test_what_belongs_together_is_done_once_and_last(database):
    calls = []

    async def count(connection, items):
        calls.append((items, await known(connection)))
        return []

    async with database.transaction() as connection:
        work = UnitOfWork(connection)
        await work.add([Together(count, 1), noted("a")], "one")
        await work.add([Together(count, 2), noted("b"), Together(count, 1)], "one")
        await work.add([Together(count, 3)], "two")
        await work.finish()
    assert calls == [([1, 2, 1, 3], ["a", "b"])]


async def test_what_a_shared_step_decides_keeps_the_trace_of_what_it_is_about(database):
    """The trace of its document, else of its owner, else of the first who named the step."""
    one, two, nobodys = deleted(), deleted(), deleted()
    of_two = DocumentDeleted(document_id=uuid4(), owner_id=two.owner_id, deleted_by=uuid4())

    async def decide(connection, items):
        return [of_two, Append([one], expected=0), two, nobodys, job(1), job(2, two.owner_id)]

    async with database.transaction() as connection:
        work = UnitOfWork(connection)
        await work.add([Together(decide, 1)], "first")
        await work.add([Together(decide, 2)], "one", cause=one)
        await work.add([Together(decide, 3)], "two", cause=two)
        await work.finish()
        rows = await connection.execute(select(events.c.event_id, events.c.traceparent))
        stored = dict(map(tuple, rows))
        working = await connection.scalars(select(jobs.c.traceparent).order_by(jobs.c.id))
        assert list(working) == ["first", "two"]
    expected = [(of_two, "two"), (one, "one"), (two, "two"), (nobodys, "first")]
    assert stored == {str(event.event_id): trace for event, trace in expected}


async def test_what_belongs_together_may_lead_to_more(database):
    order: list[object] = []

    async def first(connection, items):
        order.append("first")
        return [noted("a"), Together(second, 1)]

    async def second(connection, items):
        order.append((items, await known(connection)))
        return []

    async with database.transaction() as connection:
        await apply(connection, [Together(first, 0), Together(second, 0)], None)
    assert order == ["first", ([0, 1], ["a"])]


async def test_steps_are_called_in_their_turns_for_all_traces(database):
    order: list[object] = []

    def step(name):
        async def note(connection, items):
            order.append((name, items))
            return []

        return note

    first, middle, last = step("first"), step("middle"), step("last")
    async with database.transaction() as connection:
        work = UnitOfWork(connection)
        for number, trace in enumerate(["one", "two"]):
            await work.add(
                [
                    Together(last, number, turn="last"),
                    Together(middle, number),
                    Together(first, number, turn="first"),
                ],
                trace,
            )
        await work.finish()
    assert order == [("first", [0, 1]), ("middle", [0, 1]), ("last", [0, 1])]


async def test_what_is_no_effect_is_refused(database):
    with pytest.raises(TypeError, match="str is not an effect"):
        async with database.transaction() as connection:
            await apply(connection, ["hello"], None)  # type: ignore[list-item]


@pytest.mark.slow
async def test_a_thousand_rows_are_a_few_calls(database):
    """Rows of one statement that follow one another go to the driver together."""
    async with database.transaction() as connection:
        executed = []
        execute = connection.execute

        class Counting:
            info, dialect = connection.info, connection.dialect

            async def execute(self, statement, rows=None):
                executed.append(statement)
                return await execute(statement, rows)

        work = UnitOfWork(Counting())  # type: ignore[arg-type]
        for n in range(1000):
            await work.add([noted(f"{n:04}"), deleted()], None)
        await work.finish()
        assert len(executed) == 3  # jobs, events and their rows of the outbox
        assert await connection.scalar(select(func.count()).select_from(tombstones)) == 1000
        assert await connection.scalar(select(func.count()).select_from(events)) == 1000


async def test_plain_inserts_are_effects_too(database):
    row = insert(tombstones).values(subject="x")
    async with database.transaction() as connection:
        await apply(connection, [row], None)
        assert await known(connection) == ["x"]
