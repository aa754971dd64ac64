from libs.common.processing.capacity.backpressure import LONGEST_S, Backpressure


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nothing_is_held_where_others_handle_the_events():
    assert not Backpressure().holds


def test_a_job_waits_while_events_do():
    waiting = [3]
    backpressure = Backpressure(backlog=lambda: waiting[0], clock=Clock())
    assert backpressure.holds
    assert backpressure.holds
    waiting[0] = 0
    assert not backpressure.holds


def test_what_does_not_go_down_lets_a_job_begin_from_time_to_time():
    clock = Clock()
    backpressure = Backpressure(backlog=lambda: 1, clock=clock)
    for _ in range(3):
        assert backpressure.holds
        clock.now += LONGEST_S * 0.9
        assert backpressure.holds
        clock.now += LONGEST_S * 0.2
        assert not backpressure.holds
