"""The same cases for counters of this process, and for those of a real Redis."""

import asyncio
from uuid import uuid4

import pytest
from limits import parse

from libs.common.observability.metrics import Metrics
from services.gateway.http.ratelimit.limit_classes import LimitClass
from services.gateway.http.ratelimit.rate_limiter import RateLimiter
from services.gateway.http.ratelimit.shared_counters import SharedCounters

UPLOAD, LOGIN = LimitClass.UPLOAD, LimitClass.LOGIN


@pytest.fixture(params=["memory", "redis"])
async def limiter(request):
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    limits = {UPLOAD: parse("3/hour"), LOGIN: parse("2/1 second")}
    shared = None if url is None else SharedCounters(url)
    async with RateLimiter(limits=limits, metrics=Metrics("gateway"), shared=shared) as limiter:
        yield limiter
        assert limiter.metrics.rate_limit_outages_total._value.get() == 0


def refused(limiter, limit_class):
    return limiter.metrics.rate_limited_total.labels(limit=limit_class)._value.get()


async def test_a_share_is_spent_one_by_one(limiter):
    key = f"user/{uuid4()}"
    left = [(await limiter.spend(UPLOAD, key)).left for _ in range(5)]
    assert left == [2, 1, 0, -1, -1]
    assert refused(limiter, "upload") == 2
    assert (await limiter.spend(UPLOAD, f"user/{uuid4()}")).left == 2
    assert (await limiter.spend(LOGIN, key)).left == 1


async def test_it_is_told_when_the_window_ends(limiter):
    key = f"user/{uuid4()}"
    spent = await limiter.spend(UPLOAD, key)
    assert (spent.most, spent.window_s) == (3, 3600)
    assert 3590 <= spent.reset_s <= 3600


async def test_a_new_window_begins_with_a_whole_share(limiter):
    key = f"user/{uuid4()}"
    assert [(await limiter.spend(LOGIN, key)).left for _ in range(3)] == [1, 0, -1]
    await asyncio.sleep(1.1)
    assert (await limiter.spend(LOGIN, key)).left == 1


async def test_what_is_given_back_can_be_spent_again(limiter):
    key = f"user/{uuid4()}"
    for _ in range(5):
        await limiter.give_back(await limiter.spend(UPLOAD, key))
    assert (await limiter.spend(UPLOAD, key)).left == 2


async def test_of_many_at_once_as_many_get_through_as_there_may_be(limiter):
    key = f"user/{uuid4()}"
    spent = await asyncio.gather(*(limiter.spend(UPLOAD, key) for _ in range(30)))
    assert sum(one.left >= 0 for one in spent) <= 3
    assert refused(limiter, "upload") == sum(one.left < 0 for one in spent)


async def test_what_has_no_limit_is_not_counted(limiter):
    assert await limiter.spend(LimitClass.SHARE, "user/x") is None
