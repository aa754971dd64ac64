"""What the tests of all services share."""

import pytest


@pytest.fixture(autouse=True)
def no_service_holds_its_loop(nothing_holds_the_loop: None) -> None:
    """Requests, handlers and jobs let each other run."""
