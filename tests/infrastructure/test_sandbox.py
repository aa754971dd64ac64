"""What a taken over parser or fetcher could do in a container, with our deployments' profile."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.ingest.sandbox.tests.taken_over import ATTEMPTS
from services.ingest.sandbox.tests.test_taken_over import KEPT_BY_FETCHERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROFILE = [
    "--user=10001:10001",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
]
"""As docker-compose.yml has it, with the engine's own list of system calls."""
DONE_WITHOUT_LAYERS = 50


@pytest.fixture(scope="module")
def image() -> str:
    """The image that ours are built from: the sandbox needs nothing but Python."""
    if shutil.which("docker") is None:
        pytest.skip("no docker on the PATH")
    [name, *_] = re.findall(
        r"^FROM (python:\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.M
    )
    found = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"no Docker engine, or no image {name}")
    return str(name)


def outcomes(image: str, process: str, *layers: str) -> dict[str, str]:
    mounted = ["-v", f"{ROOT}:/app:ro", "-w", "/app", "-e", "PYTHONDONTWRITEBYTECODE=1"]
    command = ["python", "-m", "services.ingest.sandbox.tests.taken_over", process, *layers]
    done = subprocess.run(
        ["docker", "run", "--rm", *PROFILE, *mounted, image, *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, str] = json.loads(done.stdout)
    assert found.keys() == ATTEMPTS.keys()
    return found


def done(found: dict[str, str]) -> set[str]:
    return {name for name, outcome in found.items() if outcome == "done"}


def test_the_container_alone_leaves_most_of_it(image: str) -> None:
    found = done(outcomes(image, "parser"))
    assert len(found) >= DONE_WITHOUT_LAYERS
    assert found >= {
        "read_another_document",
        "read_the_environment_of_the_parent",
        "send_a_datagram",
    }


@pytest.mark.parametrize("layers", [["seccomp"], ["process", "landlock", "limits", "seccomp"]])
def test_the_sandbox_leaves_nothing_in_a_container(image: str, layers: list[str]) -> None:
    found = outcomes(image, "parser", *layers)
    assert done(found) == set()
    assert found["make_a_socket"] == "killed: SIGSYS"


def test_the_sandbox_leaves_a_fetcher_the_web_in_a_container(image: str) -> None:
    found = outcomes(image, "fetcher", "process", "landlock", "limits", "seccomp")
    assert done(found) <= KEPT_BY_FETCHERS
    assert {"make_a_socket", "connect_to_a_website"} <= done(found)
    assert found["run_a_program"] == "killed: SIGSYS"


def test_landlock_works_in_a_container(image: str) -> None:
    found = outcomes(image, "parser", "landlock")
    assert {
        name
        for name in (
            "read_another_document",
            "write_by_mapping",
            "run_a_program",
            "trace_the_parent",
        )
        if found[name] == "done"
    } == set()


def test_a_user_who_is_not_root_starts_no_process_by_the_limits(image: str) -> None:
    found = outcomes(image, "parser", "limits")
    assert done(found) & {"fork", "fork_as_of_old", "fork_as_of_late", "start_a_thread"} == set()
