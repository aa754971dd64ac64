import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from libs.common.testing.processes import (
    Program,
    ServerFailed,
    ServerProcess,
    free_ports,
    run,
)

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def program(tmp_path: Path, *code: str) -> Program:
    command = [sys.executable, "-c", "; ".join(code)] if code else SLEEP
    return Program(name="sleeper", command=command, log=tmp_path / "logs" / "sleeper.log")


def test_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20


def test_waits_until_ready_and_stops(tmp_path: Path) -> None:
    server = ServerProcess(program(tmp_path), guarded=True)
    log = tmp_path / "logs" / "sleeper.log"
    server.wait_until(lambda: log.read_text() == "up\n", 20)
    assert psutil.pid_exists(server.pid)
    server.stop()
    server.stop()
    assert not psutil.pid_exists(server.pid)


def test_says_how_it_ended(tmp_path: Path) -> None:
    orderly = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5))"
    handles = ServerProcess(
        program(tmp_path, orderly, "print('up', flush=True)", "time.sleep(60)"), guarded=True
    )
    log = tmp_path / "logs" / "sleeper.log"
    handles.wait_until(lambda: log.read_text() == "up\n", 20)
    assert handles.exit_code is None
    assert [handles.stop(), handles.stop()] == [5, 5]
    assert handles.exit_code == 5
    killed = ServerProcess(program(tmp_path), guarded=True)
    killed.kill()
    assert killed.exit_code == -signal.SIGKILL


@pytest.mark.slow
def test_says_why_a_server_did_not_come_up(tmp_path: Path) -> None:
    ends = ServerProcess(program(tmp_path, "print('no disk')", "raise SystemExit(3)"), guarded=True)
    with pytest.raises(ServerFailed, match="sleeper exited with 3:\nno disk"):
        ends.wait_until(lambda: False, 20)
    hangs = ServerProcess(program(tmp_path), guarded=False)
    with pytest.raises(ServerFailed, match="not ready after 0 s"):
        hangs.wait_until(lambda: False, 0.1)
    assert not psutil.pid_exists(hangs.pid)


@pytest.mark.slow
def test_a_guarded_server_ends_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        from libs.common.testing.processes import Program, ServerProcess
        log = Path({str(tmp_path)!r}) / "log"
        program = Program(name="sleeper", command={SLEEP!r}, log=log)
        print(ServerProcess(program, guarded=True).pid, flush=True)
        time.sleep(60)
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    assert owner.stdout is not None
    server = psutil.Process(int(owner.stdout.readline()))
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    for _ in range(200):
        if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        server.kill()
        pytest.fail("the server outlived its owner")


def test_a_server_left_running_outlives_its_object(tmp_path: Path) -> None:
    server = ServerProcess(program(tmp_path), guarded=False)
    pid = server.pid
    server.leave_running()
    del server  # would warn, and so fail the test, if it were not let go
    left = psutil.Process(pid)
    assert left.is_running()
    left.kill()
    left.wait()


def test_run_returns_the_output_or_raises_with_it() -> None:
    code = "import os; print(os.environ['GREETING'])"
    assert run([sys.executable, "-c", code], environment={"GREETING": "hello"}) == "hello\n"
    with pytest.raises(ServerFailed, match="exited with 1:") as caught:
        run([sys.executable, "-c", code])
    assert "KeyError" in str(caught.value)
