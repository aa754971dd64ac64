import pytest

from libs.common.testing.report import skip_reasons


def skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="test_it",
        location=("test_it.py", 1, "test_it"),
        keywords={},
        outcome="skipped",
        longrepr=("test_it.py", 1, f"Skipped: {reason}"),
        when="setup",
    )


def test_skips_are_counted_by_reason() -> None:
    counted = skip_reasons([skipped("no java"), skipped("no mvn"), skipped("no java")])
    assert counted == {"no java": 2, "no mvn": 1}
