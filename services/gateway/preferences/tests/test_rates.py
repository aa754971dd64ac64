import pytest

from services.gateway.preferences.rates import in_steps


@pytest.mark.parametrize(("rate", "meant"), [(1.0, 1.0), (1.1500000000000001, 1.15), (0.5, 0.5)])
def test_a_rate_is_a_step(rate, meant):
    assert in_steps(rate) == meant


@pytest.mark.parametrize("rate", [1.02, 1.001, 0.51])
def test_a_rate_between_two_steps_is_refused(rate):
    with pytest.raises(ValueError, match=r"steps of 0\.05"):
        in_steps(rate)
