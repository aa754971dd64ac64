from services.notifier.deliveries.pauses import pause_s


def test_twelve_attempts_last_most_of_a_day():
    pauses = [pause_s(attempt) for attempt in range(1, 12)]
    assert pauses[0] == 5
    assert pauses == sorted(pauses)
    assert 18 * 3600 < sum(pauses) < 30 * 3600
    assert pause_s(1000) == pauses[-1]
