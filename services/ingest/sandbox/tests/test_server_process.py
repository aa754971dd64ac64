import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.ingest.sandbox.confined_parser import ConfinedParser
from services.ingest.sandbox.server_process import ZYGOTE, environment_of_server, start_ahead, take
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
    start_ahead(ZYGOTE)
    assert zygotes() == before + 1
    async with ConfinedParser() as first:
        assert zygotes() == before + 1
        assert len([item async for item in first.parse(path)]) == 2
        async with ConfinedParser() as second:
            assert zygotes() == before + 2
            assert len([item async for item in second.parse(path)]) == 2
    assert zygotes() == before


@pytest.mark.slow
def test_one_that_died_meanwhile_is_replaced():
    start_ahead(ZYGOTE)
    [dying] = [child for child in psutil.Process().children() if "zygote" in str(child.cmdline())]
    dying.kill()
    dying.wait()
    taken = take(ZYGOTE)
    assert taken.runs
    taken.end(10)
    assert not taken.runs


def test_it_knows_nothing_of_what_the_service_was_told(monkeypatch):
    monkeypatch.setenv("LECTERN_TEST_SECRET", "of the service")
    known = environment_of_server()
    assert known["PATH"] == os.environ["PATH"]
    assert "of the service" not in known.values()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="from others of the same user, it hides itself")
def test_its_environment_holds_no_more_than_that(monkeypatch):
    monkeypatch.setenv("LECTERN_TEST_SECRET", "of the service")
    zygote = take(ZYGOTE)
    command_of(psutil.Process(zygote.process.pid))  # before, there is no environment either
    environment = Path(f"/proc/{zygote.process.pid}/environ").read_bytes()
    zygote.end(10)
    assert os.environ["PATH"].encode() in environment
    assert b"SECRET" not in environment


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing keeps them out")
def test_others_of_the_same_user_are_kept_out_of_the_service():
    script = """
import ctypes
from services.ingest.sandbox.server_process import ZYGOTE, keep_others_out
keep_others_out()
print(ctypes.CDLL(None).prctl(3))  # PR_GET_DUMPABLE
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "0\n"


def test_one_that_does_not_end_is_killed():
    zygote = take(ZYGOTE)
    zygote.process.send_signal(signal.SIGSTOP)
    zygote.end(0.1)
    assert zygote.process.returncode == -signal.SIGKILL
