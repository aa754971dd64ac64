"""What tests of narrations share."""

import pytest

from services.gateway.narrations.budget.tests.days import Clock


@pytest.fixture
def clock(monkeypatch):
    """The clock by which days of the budget begin."""
    return Clock(monkeypatch)
