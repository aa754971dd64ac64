"""Every regular expression takes time linear in whatever text it is given.

Quadratic ones stopped the segmenter for minutes and the parsers until their limit. Each expression
is tried on texts derived from it, in processor time, which a busy machine does not change.
"""

from pathlib import Path

import pytest

from libs.common.testing.costs.found_patterns import FoundPattern, patterns_of, patterns_within
from libs.common.testing.costs.hostile_patterns import (
    MOST_PER_DOUBLING,
    growth,
    repeated,
    slow_texts,
)

ROOT = Path(__file__).parents[2]
FOLDERS = ("libs", "services", "lectern")
LANGUAGES = ("de", "en", "es", "fr")
BOUNDED = {
    "libs.common.observability.secret_patterns": (
        "a value begins only after the name of a field, and ends at the next quotation mark;"
        " its length has a bound, and logged text is cut at 64 KiB"
    ),
    "lectern.generate.generated": "it reads documents of this repository only",
}
"""Modules of which an expression may grow faster, and why."""


def built_for_languages() -> list[FoundPattern]:
    """The expressions that the segmenter builds from vocabularies."""
    from services.segmenter.wording.normalize import _rules

    return [
        FoundPattern(f"services.segmenter.wording.normalize, {language}", pattern)
        for language in LANGUAGES
        for rule in _rules(language)
        for pattern in patterns_within(rule)
    ]


@pytest.fixture(scope="module")
def patterns() -> list[FoundPattern]:
    return [*patterns_of(ROOT, FOLDERS), *built_for_languages()]


def test_expressions_are_found_wherever_they_are(patterns):
    """In a constant, in a tuple, in a closure, and written out in a call."""
    modules = {found.module for found in patterns}
    assert "services.segmenter.wording.urls" in modules
    assert "services.ingest.formats.sniff" in modules
    assert "services.segmenter.wording.normalize, en" in modules
    assert "services.ingest.pages.titles" in modules


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_every_expression_is_linear(patterns):
    grown = []
    for found in patterns:
        suspect = next(slow_texts(found), None)
        if suspect and found.module not in BOUNDED:
            factor = growth(found.work, repeated(*suspect), 8_000)
            if factor > MOST_PER_DOUBLING:
                grown.append(f"{found}: {factor:.1f} times as long for {suspect}")
    assert grown == []
