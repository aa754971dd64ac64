"""Fixtures for all tests. This file may import lectern, which libs and services must not."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

# pytest must be the first to import a plugin, or it warns: fixtures imports report.
pytest_plugins = ["libs.common.testing.report", "libs.common.testing.fixtures"]


@pytest.fixture
def embedded_kafka(pytestconfig: pytest.Config) -> Iterator[Callable[[Mapping[str, int]], str]]:
    """Start the embedded broker with topics (name to partitions); returns its ``host:port``."""
    from lectern.embedded_broker import EmbeddedBroker
    from libs.common.testing.report import ran_against

    with ExitStack() as stack:

        def start(topics: Mapping[str, int]) -> str:
            ran_against(pytestconfig, "the embedded broker")
            return stack.enter_context(EmbeddedBroker(topics)).bootstrap

        yield start
