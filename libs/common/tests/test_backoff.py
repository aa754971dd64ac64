import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.backoff import delay_s


@given(st.integers(1, 10_000), st.floats(0.001, 10), st.floats(0.001, 1000))
def test_waits_are_positive_and_capped(attempt, base_s, cap_s):
    waited = delay_s(attempt, base_s, cap_s)
    assert 0 < waited <= cap_s
    assert waited <= base_s * 2.0 ** min(attempt - 1, 30)


@pytest.mark.parametrize(
    ("attempt", "whole"), [(1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0), (99, 60.0)]
)
def test_waits_double_up_to_a_minute_and_at_least_half_is_kept(attempt, whole):
    waits = [delay_s(attempt) for _ in range(200)]
    assert whole / 2 <= min(waits) <= max(waits) <= whole
    assert max(waits) - min(waits) > whole / 10  # jitter: not everybody at once
