import pytest

from services.gateway.narrations.tests.test_decide import audio


@pytest.mark.parametrize(
    ("ready_at", "failed_at", "is_ready", "has_failed"),
    [
        (None, None, False, False),
        (None, "t", False, True),
        ("t", None, True, False),
        ("t", "t", True, False),
    ],
)
def test_what_was_spoken_after_all_has_not_failed(ready_at, failed_at, is_ready, has_failed):
    row = audio(ready_at=ready_at, failed_at=failed_at)
    assert (row.is_ready, row.has_failed) == (is_ready, has_failed)
    assert not audio(ready_at="t", given_up_at="t").has_failed
    assert audio(ready_at=None, given_up_at="t").has_failed
    assert row.spoken_as == ("espeak", "en", 1.0)
