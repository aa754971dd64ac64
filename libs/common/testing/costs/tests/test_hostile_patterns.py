import re

import pytest

from libs.common.testing.costs.found_patterns import FoundPattern
from libs.common.testing.costs.hostile_patterns import (
    MOST_PER_DOUBLING,
    growth,
    repeated,
    slow_texts,
)


def test_texts_have_the_length_that_was_asked_for():
    assert repeated("<", "ab", ">")(6) == "<ababab>"


@pytest.mark.slow
def test_linear_ones_raise_no_suspicion():
    assert next(slow_texts(FoundPattern("m", re.compile(r"(?<!\s)\s++x"))), None) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "quadratic",
    [
        r"[ \t]+(?=\n|\Z)",
        r" *x[ x]*",
        r"\s*(?:\.\s?){5,}\s*",
        r"https?://\S+|\]\([^)\s]*\)",
        r"[\w-]*$",
    ],
)
def test_what_was_quadratic_is_noticed(quadratic):
    found = FoundPattern("example", re.compile(quadratic))
    suspect = next(slow_texts(found))
    assert growth(found.work, repeated(*suspect), 500) > MOST_PER_DOUBLING
