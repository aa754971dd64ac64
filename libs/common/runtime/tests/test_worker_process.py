"""How a process is used is in test_pool.py; here is how it ends."""

import os
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from libs.common.runtime.worker_process import WorkerProcess


@pytest.fixture
def process():
    process = WorkerProcess(niceness=0, warm_up=None, arguments=())
    yield process
    process.kill()
    process.close()


@pytest.mark.slow
def test_a_process_that_is_killed_breaks_what_it_does_and_what_comes(process):
    hanging = process.submit(time.sleep, 60)
    while not hanging.running():
        time.sleep(0.01)
    process.kill()
    assert isinstance(hanging.exception(timeout=30), BrokenProcessPool)
    with pytest.raises(BrokenProcessPool):
        process.submit(os.getpid)


@pytest.mark.slow
def test_closing_waits_for_the_task(process):
    begun = process.submit(time.sleep, 0.1)
    while not begun.running():
        time.sleep(0.01)
    process.close()
    assert begun.done()
    process.kill()  # of what has ended, nothing is to be done


def warm(name: str) -> None:
    os.environ["WARMED"] = name


@pytest.mark.slow
def test_a_process_is_warmed_up_before_its_first_task():
    process = WorkerProcess(niceness=0, warm_up=warm, arguments=["up"])
    try:
        assert process.submit(os.getenv, "WARMED").result(timeout=60) == "up"
    finally:
        process.close()
