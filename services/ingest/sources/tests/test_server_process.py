import os
import signal

import psutil
import pytest

from services.ingest.sources.server_process import FetchServerProcess

pytestmark = pytest.mark.slow


def test_it_runs_until_its_socket_is_closed():
    server = FetchServerProcess.start()
    assert server.runs
    server.end()
    assert not server.runs
    assert server.process.returncode == 0


def test_one_that_stands_still_is_killed(monkeypatch):
    monkeypatch.setattr("services.ingest.sources.server_process.STOP_SECONDS", 0.2)
    server = FetchServerProcess.start()
    os.kill(server.process.pid, signal.SIGSTOP)
    server.end()
    assert server.process.returncode == -signal.SIGKILL


def test_it_knows_nothing_of_the_environment_that_it_does_not_need(monkeypatch):
    monkeypatch.setenv("LECTERN_S3_SECRET_ACCESS_KEY", "sesame")
    server = FetchServerProcess.start()
    environment = psutil.Process(server.process.pid).environ()
    server.end()
    assert "PATH" in environment
    assert "sesame" not in environment.values()
