from services.gateway.http.ratelimit.counter_memory import BoundedCounters


async def test_there_are_no_more_counters_than_there_is_room_for():
    counters = BoundedCounters(most=100)
    for number in range(1000):
        await counters.incr(f"key {number}", 60)
        await counters.incr("used all the time", 60)
    assert await counters.get("used all the time") == 1000
    assert [await counters.get(f"key {number}") for number in (0, 900, 999)] == [0, 0, 1]
    assert await counters.reset() == 100


async def test_a_counter_ends_with_its_window_and_not_before():
    now = [1000.0]
    counters = BoundedCounters(clock=lambda: now[0])
    assert await counters.incr("key", 60) == 1
    now[0] = 1059.9
    assert await counters.incr("key", 60) == 2
    assert await counters.get_expiry("key") == 1060
    now[0] = 1060
    assert await counters.get("key") == 0
    assert await counters.incr("key", 60) == 1
    assert await counters.get_expiry("key") == 1120


async def test_nothing_can_be_given_back_twice():
    counters = BoundedCounters()
    assert await counters.incr("key", 60, -1) == 0
    await counters.clear("key")
    assert await counters.check()
