"""The five services as processes of this machine."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from libs.common.testing.processes import Program, ServerProcess, run

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"gateway": 8000, "ingest": 8001, "segmenter": 8002, "synth": 8003, "notifier": 8004}
"""Ports of their HTTP pages, unless ``<SERVICE>_HTTP_PORT`` says otherwise."""

PREPARATIONS = (("migrate",), ("topics", "create"))
"""Commands of ``lectern`` that come before the first service."""

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 5.0


def start_services(environment: Mapping[str, str], logs: Path) -> Iterator[ServerProcess]:
    """Prepare databases and topics, start the services, and yield each once it is ready.

    Raises:
        ServerFailed: A command failed, or a service is not ready in time; the message has its
            output.
    """
    for command in PREPARATIONS:
        run([sys.executable, "-m", "lectern", *command], directory=ROOT, environment=environment)
    starting = {_start(name, environment, logs): port for name, port in ports(environment).items()}
    try:
        while starting:
            service, port = next(iter(starting.items()))
            service.wait_until(partial(is_ready, port), START_TIMEOUT_S)
            yield service
            del starting[service]
    finally:
        for service in starting:
            service.stop()


def ports(environment: Mapping[str, str]) -> dict[str, int]:
    """The port of each service's HTTP pages."""
    return {
        name: int(environment.get(f"{name.upper()}_HTTP_PORT") or default)
        for name, default in SERVICES.items()
    }


def is_ready(port: int) -> bool:
    """Whether a service answers on its readiness page that it is ready."""
    url = f"http://127.0.0.1:{port}/health/ready/"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer:
            return bool(json.load(answer)["status"] == "ready")
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return False


def _start(name: str, environment: Mapping[str, str], logs: Path) -> ServerProcess:
    program = Program(
        name=f"lectern {name}",
        command=[sys.executable, "-m", f"services.{name}"],
        log=logs / f"{name}.log",
        directory=ROOT,
        environment=environment,
    )
    return ServerProcess(program, guarded=False)
