import pytest

from libs.common.database.wakeups import JOBS, OUTBOX, Wakeup, Wakeups, notify_after_commit


async def woken(wakeup):
    """Whether it was notified since somebody last waited for it."""
    was = wakeup.pending
    await wakeup.wait(0.0)
    return was


@pytest.mark.parametrize(("name", "other"), [(OUTBOX, JOBS), (JOBS, OUTBOX)])
async def test_a_wakeup_is_notified_after_the_commit_and_no_sooner(database, name, other):
    wakeups = {OUTBOX: database.outbox_wakeup, JOBS: database.jobs_wakeup}
    async with database.transaction() as connection:
        notify_after_commit(connection, name)
        assert not await woken(wakeups[name])
    assert await woken(wakeups[name])
    assert not await woken(wakeups[other])


async def test_a_wakeup_hears_nothing_after_a_rollback(database):
    async def fail():
        async with database.transaction() as connection:
            notify_after_commit(connection, OUTBOX)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not await woken(database.outbox_wakeup)
    async with database.transaction():
        pass  # on the same connection, taken from the pool again
    assert not await woken(database.outbox_wakeup)


async def test_a_wakeup_wakes_once(database):
    database.jobs_wakeup.notify()
    database.jobs_wakeup.notify()
    assert await woken(database.jobs_wakeup)
    assert not await woken(database.jobs_wakeup)


async def test_waiting_for_a_wakeup_ends_without_it(database):
    await database.outbox_wakeup.wait(0.01)


def test_all_who_wait_for_a_name_are_notified_and_nobody_else():
    wakeups = Wakeups()
    with wakeups.listening("a") as one, wakeups.listening("a") as two, wakeups.listening("b") as b:
        assert wakeups.waiting == 3
        wakeups.notify(["a", "nobody"])
        assert (one.pending, two.pending, b.pending) == (True, True, False)
    assert wakeups.waiting == 0


def test_all_names_are_overheard_for_a_while():
    wakeups = Wakeups()
    heard: list[str] = []
    with wakeups.overhearing(heard.extend):
        wakeups.notify(["a", "nobody"])
        wakeups.hear(["of another process"])
    wakeups.notify(["b"])
    assert heard == ["a", "nobody", "of another process"]


def test_what_is_nothing_new_is_not_counted():
    wakeup = Wakeup()
    wakeup.wake()
    assert (wakeup.pending, wakeup.notified) == (True, 0)
    wakeup.notify()
    assert wakeup.notified == 1
