from libs.common.store.jobs import held_jobs
from libs.common.store.jobs.tests.recorded import add, take
from libs.common.store.withdrawal import is_recorded, is_to_begin, withdraw

KIND = "k"


async def test_a_job_is_withdrawn_until_it_is_due(database):
    await add(database, 1, delay_ms=60_000)
    await add(database, 2)
    await add(database, 3, delay_ms=60_000)
    async with database.transaction() as connection:
        assert [await withdraw(connection, KIND, f"s{n}") for n in (1, 2, 4)] == [
            True,
            False,
            False,
        ]
        assert not await withdraw(connection, KIND, "s1")
        recorded = [await is_recorded(connection, KIND, f"s{n}") for n in (1, 2, 3)]
    assert recorded == [False, True, True]


async def test_several_jobs_are_withdrawn_together(database):
    for number in (1, 2, 3):
        await add(database, number, delay_ms=60_000)
    await add(database, 4)
    async with database.transaction() as connection:
        assert await withdraw(connection, KIND, "s1", "s2")
        assert not await withdraw(connection, KIND, "s3", "s4")
        recorded = [await is_recorded(connection, KIND, f"s{n}") for n in (1, 2, 4)]
    assert recorded == [False, False, True]


async def test_a_job_that_was_begun_is_not_withdrawn_when_it_is_put_off(database):
    await add(database, 1)
    held = await take(database)
    async with database.transaction() as connection:
        assert not await withdraw(connection, KIND, "s1")
        assert await held_jobs.retry(connection, held, 60_000, "Unavailable")
        assert not await withdraw(connection, KIND, "s1")
        assert await is_recorded(connection, KIND, "s1")


async def test_a_job_of_another_kind_with_the_subject_stays(database):
    await add(database, 1, delay_ms=60_000)
    async with database.transaction() as connection:
        assert not await withdraw(connection, "other", "s1")
        assert not await is_recorded(connection, "other", "s1")
        assert await is_recorded(connection, KIND, "s1")


async def test_a_job_that_is_under_way_has_begun(database):
    await add(database, 1, delay_ms=60_000)
    await add(database, 2)
    async with database.transaction() as connection:
        known = [await is_to_begin(connection, KIND, f"s{n}") for n in (1, 2, 3)]
        assert known == [True, True, False]
        assert not await is_to_begin(connection, "other", "s1")
    await take(database)
    async with database.transaction() as connection:
        assert not await is_to_begin(connection, KIND, "s2")
