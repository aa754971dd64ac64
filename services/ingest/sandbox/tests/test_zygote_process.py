import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from services.ingest.sandbox.sandbox import Sandbox
from services.ingest.sandbox.zygote_process import start_ahead, take
from services.ingest.tests.samples import pdf


def zygotes() -> int:
    """Return how many zygotes this process has."""
    children = psutil.Process().children()
    return sum("services.ingest.sandbox.zygote" in command_of(child) for child in children)


def command_of(process: psutil.Process) -> list[str]:
    """Return the arguments of a process; it has none for a moment after it was started."""
    while not (command := process.cmdline()):
        time.sleep(0.001)
    return command


@pytest.mark.slow
async def test_the_first_sandbox_takes_the_one_that_was_started_ahead(tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    before = zygotes()
    start_ahead()
    assert zygotes() == before + 1
    async with Sandbox() as first:
        assert zygotes() == before + 1
        assert len([item async for item in first.parse(path)]) == 2
        async with Sandbox() as second:
            assert zygotes() == before + 2
            assert len([item async for item in second.parse(path)]) == 2
    assert zygotes() == before


@pytest.mark.slow
def test_one_that_died_meanwhile_is_replaced():
    start_ahead()
    [dying] = [child for child in psutil.Process().children() if "zygote" in str(child.cmdline())]
    dying.kill()
    dying.wait()
    taken = take()
    assert taken.runs
    taken.end(10)
    assert not taken.runs


@pytest.mark.slow
def test_it_knows_nothing_of_what_the_service_was_told(monkeypatch):
    monkeypatch.setenv("LECTERN_TEST_SECRET", "of the service")
    zygote = take()
    environment = Path(f"/proc/{zygote.process.pid}/environ").read_bytes()
    zygote.end(10)
    assert os.environ["PATH"].encode() in environment
    assert b"SECRET" not in environment


def test_one_that_does_not_end_is_killed():
    zygote = take()
    zygote.process.send_signal(signal.SIGSTOP)
    zygote.end(0.1)
    assert zygote.process.returncode == -signal.SIGKILL
