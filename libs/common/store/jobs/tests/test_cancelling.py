import pytest

from libs.common.store.effects import apply
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.held_jobs import end
from libs.common.store.jobs.tests.recorded import a_job, add, number, queues, rows, take


async def cancel(database, *effects):
    async with database.transaction() as connection:
        await apply(connection, effects, None)


async def test_cancelling_takes_the_lease_away(database):
    await add(database, 1, subject="document/audio")
    await add(database, 2, subject="documentary")
    held = await take(database)
    await cancel(database, CancelJobs("document"))
    async with database.transaction() as connection:
        assert not await end(connection, held)
    assert number(await take(database)) == 2


@pytest.mark.parametrize("subject", ["a%", "a_", "ab"])
async def test_subjects_are_no_patterns_and_no_beginnings(database, subject):
    await add(database, 1, subject="abc/1")
    await cancel(database, CancelJobs(subject))
    assert await take(database) is not None


async def test_everything_below_is_cancelled_whatever_it_is_called(database):
    await add(database, 1, subject="a/\N{GREEK SMALL LETTER ALPHA}/b")
    await add(database, 2, subject="a/")
    await add(database, 3, subject="A/x")
    await add(database, 4, subject="a")
    await cancel(database, CancelJobs("a"))
    assert [row.subject for row in await rows(database)] == ["A/x"]


async def test_only_the_named_kind_is_cancelled(database):
    await add(database, 1, subject="a")
    await add(database, 2, subject="a", kind="other")
    await cancel(database, CancelJobs("a", "k"))
    assert [row.kind for row in await rows(database)] == ["other"]


async def test_queues_count_only_what_was_ready(database):
    await add(database, 1, subject="a/1", owner="o")
    await take(database)
    await add(database, 2, 3, subject="a/2", owner="o")
    await add(database, 4, subject="b", owner="o")
    await add(database, 5, subject="a/3", owner="later", delay_ms=60_000)
    await cancel(database, CancelJobs("a"))
    assert await queues(database) == {"o": 1}


async def test_what_is_recorded_and_cancelled_together_is_gone(database):
    await cancel(database, a_job(1, subject="a"), CancelJobs("a"), a_job(2, subject="a"))
    assert await queues(database) == {"": 1}
    assert number(await take(database)) == 2
