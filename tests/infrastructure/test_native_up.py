import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.native.running import Running, Started, end
from deploy.native.services import is_ready, ports
from deploy.native.up import up
from libs.common.testing.native_kafka import answers
from libs.common.testing.processes import Program, ServerProcess, free_ports
from libs.common.testing.servers import ServerMissing

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path: Path):
    server = ServerProcess(
        Program(name="sleeper", command=SLEEP, log=tmp_path / "log"), guarded=True
    )
    yield server
    server.stop()


def test_servers_come_up_are_written_down_and_end(tmp_path: Path) -> None:
    try:
        running = up(tmp_path, servers_only=True)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    assert [process.name for process in running.alive()] == ["Kafka", "PostgreSQL", "moto"]
    assert Running.load(tmp_path / "pids.json") == running
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    read = "set -a; . ./env; exec env"
    seen = subprocess.check_output(["sh", "-c", read], cwd=tmp_path, text=True)
    environment = dict(line.split("=", 1) for line in seen.splitlines() if "=" in line)
    assert answers(int(environment["LECTERN_KAFKA_BOOTSTRAP_SERVERS"].rpartition(":")[2]))
    assert environment["SYNTH_DATABASE_URL"].endswith("/synth")
    assert environment["LECTERN_STORAGE_URL"].startswith("s3://lectern?endpoint=http://127.0.0.1:")
    assert end(running) == ["moto", "PostgreSQL", "Kafka"]
    assert running.alive() == []
    assert not any(Path(directory).exists() for directory in running.directories)


def test_only_the_process_that_was_started_is_ended(sleeper: ServerProcess) -> None:
    started = Started.of(sleeper)
    other = dataclasses.replace(started, started_at=started.started_at - 3600)
    assert end(Running([other])) == []
    assert psutil.pid_exists(sleeper.pid)
    assert end(Running([started])) == ["sleeper"]
    assert end(Running([started])) == []


def test_what_runs_is_read_back(tmp_path: Path, sleeper: ServerProcess) -> None:
    running = Running([Started.of(sleeper)], [str(tmp_path / "data")])
    running.save(tmp_path / "native" / "pids.json")
    assert Running.load(tmp_path / "native" / "pids.json") == running
    assert json.loads((tmp_path / "native" / "pids.json").read_text())["directories"]
    assert Running.load(tmp_path / "nothing.json") == Running()


def test_ports_can_be_moved() -> None:
    assert ports({"SYNTH_HTTP_PORT": "9003", "INGEST_HTTP_PORT": ""})["synth"] == 9003
    assert ports({"INGEST_HTTP_PORT": ""})["ingest"] == 8001


def test_what_does_not_answer_is_not_ready() -> None:
    assert not is_ready(free_ports(1)[0])
