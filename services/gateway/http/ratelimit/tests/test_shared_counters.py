import asyncio
import time
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from limits import parse

from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.testing.fixtures import skip_if_fast
from libs.common.testing.processes import free_ports
from services.gateway.http.ratelimit.limit_classes import LimitClass
from services.gateway.http.ratelimit.rate_limiter import RateLimiter
from services.gateway.http.ratelimit.shared_counters import ANSWER_S, AWAY_S, SharedCounters

LIMITS = {LimitClass.UPLOAD: parse("3/hour")}


async def left_of(limiter, key):
    spent = await limiter.spend(LimitClass.UPLOAD, key)
    assert spent is not None
    return spent.left


def outages_of(limiter):
    return limiter.metrics.rate_limit_outages_total._value.get()


async def test_two_processes_share_one_share(redis_url):
    key = f"user/{uuid4()}"
    async with AsyncExitStack() as stack:
        limiters = [
            await stack.enter_async_context(
                RateLimiter(limits=LIMITS, metrics=Metrics("gateway"), shared=SharedCounters(url))
            )
            for url in (redis_url, redis_url.replace("redis://", "valkey://"))
        ]
        left = [await left_of(limiters[at % 2], key) for at in range(4)]
    assert left == [2, 1, 0, -1]


async def test_readiness_tells_of_it_and_does_not_depend_on_it(redis_url):
    (port,) = free_ports(1)
    for url, told in ((redis_url, None), (f"redis://127.0.0.1:{port}/0", "does not answer")):
        shared = SharedCounters(url)
        state = await shared.state()
        assert (state is None) == (told is None)
        assert told is None or told in str(state)
        await shared.close()


async def test_nobody_waits_for_what_is_away_and_each_process_counts_then():
    (port,) = free_ports(1)
    now = [0.0]
    shared = SharedCounters(f"redis://127.0.0.1:{port}/0", clock=lambda: now[0])
    limiter = RateLimiter(limits=LIMITS, metrics=Metrics("gateway"), shared=shared)
    async with limiter:
        left = [await left_of(limiter, "user/x") for _ in range(4)]
        assert left == [2, 1, 0, -1]
        assert outages_of(limiter) == 1
        now[0] = AWAY_S
        await limiter.spend(LimitClass.UPLOAD, "user/x")
        assert outages_of(limiter) == 2


async def test_what_does_not_answer_is_waited_for_a_moment(pytestconfig):
    skip_if_fast(pytestconfig)
    gone = asyncio.Event()

    async def silent(reader, writer):
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    shared = SharedCounters(f"redis://127.0.0.1:{port}/0")
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await shared.add("key", 60, 1)
    assert time.monotonic() - began < 4 * ANSWER_S
    assert shared.is_away
    await shared.close()
    gone.set()
    server.close()
    await server.wait_closed()
