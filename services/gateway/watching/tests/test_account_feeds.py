import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from libs.common.contracts.permissions import ShareLevel
from libs.common.errors import Unavailable
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.sharing.tests.test_invitations import user
from services.gateway.tests.world import a_world
from services.gateway.watching import account_feeds
from services.gateway.watching.account_feeds import AccountFeeds


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(account_feeds, "PAUSE_S", 0.0)
    monkeypatch.setattr(account_feeds, "RETRY_S", 0.0)


async def told(feed, document):
    """Who sees the document, once a feed was told of it."""
    async with asyncio.timeout(10):
        while document not in feed.changed:
            await feed.wakeup.wait(10)
    return feed.take(document)


async def test_one_look_tells_all_streams_of_all_who_see_a_document(world):
    bea, cal = await user(world, "bea@example.org"), await user(world, "cal@example.org")
    feeds = AccountFeeds(changes=world.kernel.changes)
    with ExitStack() as stack:
        mine = [stack.enter_context(feeds.of(world.owner)) for _ in range(10)]
        theirs = [stack.enter_context(feeds.of(one)) for one in (bea, cal)]
        document = await world.hand_in()
        for feed in mine:
            assert (await told(feed, document)).seen_by == {world.owner}
        assert feeds.looks == 1
        assert [feed.changed for feed in theirs] == [(), ()]


async def test_while_nothing_changes_the_database_is_not_asked(world, monkeypatch):
    feeds = AccountFeeds(changes=world.kernel.changes)

    def refuse():
        raise AssertionError("it was asked")

    with feeds.of(world.owner) as feed:
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(world.database, "reading", refuse)
            await asyncio.sleep(0.05)
        assert not feed.ended
        assert feeds.looks == 0


async def test_a_share_that_ends_by_itself_is_noticed(world):
    document, bea = await world.hand_in(), await user(world, "bea@example.org")
    end = datetime.now(UTC) + timedelta(seconds=1)
    order = ShareOrder(
        address="bea@example.org", level=ShareLevel.VIEW_ONLY, expires_at=end, message=None
    )
    feeds = AccountFeeds(changes=world.kernel.changes, check_s=0.05)
    with feeds.of(bea) as feed:
        await ShareCommands(world.kernel).grant(world.owner, document, order)
        while bea in (audience := await told(feed, document)).seen_by:
            pass
        assert bea in audience.lost_by
        assert datetime.now(UTC) >= end


async def test_what_another_process_committed_is_found_by_asking(tmp_path, monkeypatch):
    async with a_world(tmp_path, events_poll_interval_ms=50) as world, world.kernel.changes:
        feeds = AccountFeeds(changes=world.kernel.changes)
        with feeds.of(world.owner) as feed:
            monkeypatch.setattr(world.database.wakeups, "notify", lambda names: None)
            document = await world.hand_in()
            assert (await told(feed, document)).seen_by == {world.owner}
            # once for each change
            await asyncio.sleep(0.2)
            assert (feed.changed, feeds.looks) == ((), 1)
            await world.extract(document, 1)
            await told(feed, document)


async def test_a_look_that_fails_is_repeated(world, monkeypatch):
    feeds, failures = AccountFeeds(changes=world.kernel.changes), iter([Unavailable("away"), None])
    reading = world.database.reading

    def sometimes():
        if failure := next(failures, None):
            raise failure
        return reading()

    document = await world.hand_in()
    with feeds.of(world.owner) as feed:
        monkeypatch.setattr(world.database, "reading", sometimes)
        world.database.wakeups.notify([f"document/{document}"])
        assert (await told(feed, document)).seen_by == {world.owner}


async def test_feeds_end_with_the_service(world):
    feeds = AccountFeeds(changes=world.kernel.changes)
    with feeds.of(world.owner) as feed:
        async with world.kernel.changes:
            await asyncio.sleep(0)
        await feed.wakeup.wait(10)
        assert feed.ended


async def test_nothing_is_left_of_the_last_feed(world):
    feeds = AccountFeeds(changes=world.kernel.changes)
    tasks = asyncio.all_tasks()
    for _ in range(2):
        with feeds.of(world.owner), feeds.of(world.owner):
            assert world.kernel.changes.watchers == 1
            await asyncio.sleep(0)
        assert world.kernel.changes.watchers == 0
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks
