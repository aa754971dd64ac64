import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
SERVICES = sorted(main.parent.name for main in (ROOT / "services").glob("*/__main__.py"))


def python(*arguments, **environment):
    """Run Python with nothing in its environment but what is given."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_says_what_is_missing_and_exits_with_the_code_for_it():
    ended = python("-m", "services.segmenter")
    assert ended.returncode == 78
    first, *rest = ended.stderr.splitlines()
    assert first == "segmenter cannot start."
    assert "LECTERN_KAFKA_BOOTSTRAP_SERVERS is missing." in ended.stderr
    assert "LECTERN_STORAGE_URL is missing." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "SEGMENTER_DATABASE_URL is missing." in ended.stderr
    assert len(rest) == 5
    assert ended.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("url", ["nonsense", "postgresql://me:hunter2@h/x"])
def test_a_database_that_is_none_is_told_and_not_shown(tmp_path, url):
    ended = python(
        "-m",
        "services.segmenter",
        LECTERN_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        LECTERN_STORAGE_URL=f"file://{tmp_path}",
        SEGMENTER_DATABASE_URL=url,
    )
    assert ended.returncode == 78
    assert "SEGMENTER_DATABASE_URL: it must begin with postgresql+asyncpg://" in ended.stderr
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_complains_about_the_settings_of_the_service_too(tmp_path):
    ended = python(
        "-m",
        "services.segmenter",
        LECTERN_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        LECTERN_STORAGE_URL=f"file://{tmp_path}",
        SEGMENTER_HTTP_PORT="high",
    )
    assert ended.returncode == 78
    assert "SEGMENTER_DATABASE_URL is missing." in ended.stderr
    assert "SEGMENTER_HTTP_PORT" in ended.stderr
    assert "'high'" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value"),
    [("LECTERN_KAFKA_CA_FILE", "/nowhere/ca.pem"), ("LECTERN_TOPIC_RETENTION_HOURS", "foo")],
)
def test_settings_of_kafka_are_refused_before_anything_starts(tmp_path, setting, value):
    ended = python(
        "-m",
        "services.segmenter",
        LECTERN_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        LECTERN_KAFKA_SECURITY_PROTOCOL="SSL",
        LECTERN_STORAGE_URL=f"file://{tmp_path}",
        SEGMENTER_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/segmenter.db",
        **{setting: value},
    )
    assert ended.returncode == 78
    assert f"{setting}: " in ended.stderr
    assert value in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def taken():
    """A port that something else listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield str(listening.getsockname()[1])


def notifier(tmp_path, **environment):
    """Start the notifier, which has to end by itself."""
    return python(
        "-m",
        "services.notifier",
        LECTERN_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        LECTERN_STORAGE_URL=f"file://{tmp_path}",
        NOTIFIER_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/notifier.db",
        **environment,
    )


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["NOTIFIER_HTTP_PORT", "LECTERN_METRICS_PORT"])
def test_a_port_that_is_taken_is_told_with_its_setting(tmp_path, taken, setting):
    ended = notifier(tmp_path, **{"NOTIFIER_HTTP_PORT": "0"} | {setting: taken})
    assert ended.returncode == 69
    assert ended.stderr.startswith("notifier cannot start.\n")
    assert f"{setting}: cannot listen on port {taken}" in ended.stderr
    assert "choose another" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.slow
def test_an_address_that_is_not_of_this_machine_is_told_with_its_setting(tmp_path):
    ended = notifier(tmp_path, NOTIFIER_HTTP_PORT="0", LECTERN_BIND_HOST="192.0.2.1")
    assert ended.returncode == 69
    assert "LECTERN_BIND_HOST" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.slow
def test_two_pages_on_one_port_are_wrong_settings(tmp_path, taken):
    ended = notifier(tmp_path, NOTIFIER_HTTP_PORT=taken, LECTERN_METRICS_PORT=taken)
    assert ended.returncode == 78
    assert "LECTERN_METRICS_PORT and NOTIFIER_HTTP_PORT are the same port" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_worker_process_that_imports_main_does_not_load_the_service(name):
    lines = f"""import runpy, sys
runpy.run_module("services.{name}.__main__", run_name="__mp_main__", alter_sys=True)
print(*(name for name in sys.modules if name.startswith(("services.{name}.", "libs"))))"""
    ended = python("-c", lines)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert set(ended.stdout.split()) <= {f"services.{name}.__main__"}


def test_all_services_can_be_started():
    assert SERVICES == ["gateway", "ingest", "notifier", "segmenter", "synth"]
