import asyncio
from uuid import uuid4

import pytest

from services.gateway.kernel.errors import NotFound
from services.gateway.watching.feeds import Feeds


async def test_looks_at_the_same_time_are_one(world):
    document = await world.hand_in()
    feeds = Feeds(world.kernel.changes, world.kernel.limits)
    with feeds.of(document) as feed, feeds.of(document) as same:
        assert feed is same
        found = await asyncio.gather(*(feed.parts() for _ in range(10)))
        assert feed.looks == 1
        assert all(parts is found[0] for parts in found)
        await world.extract(document, 1)
        assert ("page", "1") in await feed.parts()
        assert feed.looks == 2


async def test_a_feed_goes_with_its_last_watcher(world):
    document = await world.hand_in()
    feeds = Feeds(world.kernel.changes, world.kernel.limits)
    waiting = world.database.wakeups.waiting
    with feeds.of(document) as first:
        with feeds.of(document):
            pass
        assert world.database.wakeups.waiting == waiting + 1
    assert world.database.wakeups.waiting == waiting
    with feeds.of(document) as second:
        assert second is not first


async def test_what_is_gone_is_not_looked_for_again(world):
    with Feeds(world.kernel.changes, world.kernel.limits).of(uuid4()) as feed:
        for _ in range(3):
            with pytest.raises(NotFound):
                await feed.parts()
        assert feed.looks == 1
