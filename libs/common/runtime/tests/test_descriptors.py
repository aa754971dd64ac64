import resource
import subprocess
import sys
from contextlib import contextmanager

import pytest

from libs.common.runtime import descriptors
from libs.common.runtime.descriptors import (
    FEWEST_CONNECTIONS,
    MOST,
    RESERVED,
    raise_limit,
    within_descriptors,
)
from libs.common.settings import CommonSettings


@contextmanager
def limits(monkeypatch, soft, hard):
    """A process with these limits; the list has those that it has set."""
    given: list[tuple[int, int]] = []
    with monkeypatch.context() as patched:
        patched.setattr(resource, "getrlimit", lambda _: (soft, hard))
        patched.setattr(resource, "setrlimit", lambda _, both: given.append(both))
        yield given


@pytest.mark.parametrize(
    ("soft", "hard", "allowed"),
    [
        (1024, 4096, 4096),
        (1024, 1_048_576, MOST),
        (1024, resource.RLIM_INFINITY, MOST),
        (1024, 1024, 1024),
        (200_000, 1_048_576, 200_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, MOST),
    ],
)
def test_the_limit_is_raised_as_far_as_it_goes_and_never_lowered(monkeypatch, soft, hard, allowed):
    with limits(monkeypatch, soft, hard) as given:
        assert raise_limit() == allowed
    assert given == ([(allowed, hard)] if allowed != soft and soft == 1024 else [])


@pytest.mark.parametrize(
    ("allowed", "servers", "connections"),
    [
        (MOST, 5, 2000),
        (1024, 1, 1024 - RESERVED),
        (1024, 5, (1024 - RESERVED) // 5),
        (256, 1, FEWEST_CONNECTIONS),
    ],
)
def test_connections_leave_enough_for_everything_else(
    monkeypatch, tmp_path, allowed, servers, connections
):
    monkeypatch.setattr(descriptors, "raise_limit", lambda: allowed)
    common = CommonSettings(kafka_bootstrap_servers="127.0.0.1:1", storage_url=tmp_path.as_uri())
    assert within_descriptors(common, servers).http_max_connections == connections


def test_a_process_of_its_own_is_allowed_more():
    program = (
        "import resource; from libs.common.runtime.descriptors import raise_limit;"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)); found = raise_limit();"
        "print(found == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "True\n", said.stderr
