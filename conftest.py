"""Fixtures for all tests. This file may import lectern, which libs and services must not."""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import hypothesis
import pytest
import structlog

# A test that waits for a core says nothing of the code; what measures a time does so by itself.
hypothesis.settings.register_profile("lectern", deadline=None)
hypothesis.settings.load_profile("lectern")

# pytest must be the first to import a plugin, or it warns: each may import those above it.
pytest_plugins = [
    "libs.common.testing.selection",
    "libs.common.testing.report",
    "libs.common.testing.parallel",
    "libs.common.testing.fixtures",
    "libs.common.testing.costs.loop_watchdog",
]


def pytest_configure() -> None:
    """Have a test that sets up no logs show errors as they are, not colored: 0.2 s of a loop."""
    before = structlog.get_config()["processors"][:-1]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


def pytest_collection_finish() -> None:
    """Keep the collector from going through all modules again and again: a tenth of the time."""
    gc.collect()
    gc.freeze()


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Take away what is set up for the logs, or later tests find them in their output."""
    root = logging.getLogger()
    handlers, level, config = set(root.handlers), root.level, structlog.get_config()
    yield
    for added in set(root.handlers) - handlers:
        root.removeHandler(added)
    root.setLevel(level)
    structlog.configure(**config)


@pytest.fixture(autouse=True)
def logging_ends_with_the_test() -> Iterator[None]:
    """Of what a test sets up."""
    with logging_as_it_was():
        yield


@pytest.fixture(autouse=True, scope="module")
def logging_ends_with_the_module() -> Iterator[None]:
    """Of what fixtures of a module set up, which is there before those of a test are."""
    with logging_as_it_was():
        yield


@pytest.fixture
def embedded_kafka(pytestconfig: pytest.Config) -> Iterator[Callable[[Mapping[str, int]], str]]:
    """Start the embedded broker with topics (name to partitions); returns its ``host:port``."""
    from lectern.embedded_broker import EmbeddedBroker
    from libs.common.testing.fixtures import skip_if_fast
    from libs.common.testing.report import ran_against

    skip_if_fast(pytestconfig)
    with ExitStack() as stack:

        def start(topics: Mapping[str, int]) -> str:
            ran_against(pytestconfig, "the embedded broker")
            return stack.enter_context(EmbeddedBroker(topics)).bootstrap

        yield start
