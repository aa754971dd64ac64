"""Every attempt of a parser that was taken over, against each layer alone and against all."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from services.ingest.sandbox.kernel.landlock import landlock_abi
from services.ingest.sandbox.tests.taken_over import ATTEMPTS, LAYERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's"),
]

FILES = {
    "read_a_file_of_the_system",
    "read_another_document",
    "read_the_environment_of_the_parent",
    "read_its_own_environment",
    "read_memory_of_the_parent",
    "list_a_folder",
    "open_a_device",
    "write_a_file",
    "write_by_mapping",
    "truncate_a_file",
    "remove_a_file",
    "rename_a_file",
    "make_a_folder",
    "make_a_symbolic_link",
    "make_a_hard_link",
    "make_a_named_pipe",
    "run_a_program",
}
OTHERS = {"trace_the_parent", "read_the_parent", "take_a_descriptor_of_the_parent"}
TCP = {"connect_to_a_server"}
SCOPED = {"signal_the_parent", "signal_a_sibling", "connect_to_an_abstract_socket"}
ALWAYS = {
    "fork",
    "fork_as_of_late",
    "start_a_thread",
    "run_a_program_by_descriptor",
    "leave_its_group",
    "outlive_its_parent",
    "make_a_socket",
    "send_a_datagram",
    "make_code",
    "turn_data_into_code",
    "share_memory",
    "make_a_file_of_memory",
    "make_a_pipe",
    "change_rights_of_the_document",
}
"""What works for a process without layers wherever tests run, and no file has to do with."""


@cache
def outcomes(*layers: str) -> dict[str, str]:
    command = [sys.executable, "-m", "services.ingest.sandbox.tests.taken_over", *layers]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "SECRET": "of the service",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    assert found.keys() == ATTEMPTS.keys()
    assert "broken" not in found.values()
    return found


def done(*layers: str) -> set[str]:
    return {name for name, outcome in outcomes(*layers).items() if outcome == "done"}


def test_without_layers_the_attempts_are_real():
    assert done() >= FILES | OTHERS | TCP | SCOPED | ALWAYS


def test_the_list_of_system_calls_refuses_everything_alone():
    assert done("seccomp") == set()


def test_an_attack_is_seen_by_its_death():
    killed = {name for name, outcome in outcomes("seccomp").items() if outcome == "killed: SIGSYS"}
    assert killed >= {
        "make_a_socket",
        "connect_to_a_server",
        "run_a_program",
        "run_a_program_by_descriptor",
        "trace_the_parent",
        "read_the_parent",
        "make_a_ring",
        "enter_namespaces_of_its_own",
    }


def test_landlock_refuses_files_and_whatever_is_outside_alone():
    try:
        abi = landlock_abi()
    except OSError:
        pytest.skip("this kernel has no Landlock")
    refused = FILES | OTHERS | (TCP if abi >= 4 else set()) | (SCOPED if abi >= 6 else set())
    assert done("landlock") & refused == set()


def test_limits_refuse_writing_and_descriptors_alone():
    refused = {"write_a_file", "make_a_pipe", "make_a_pair_of_sockets"}
    assert done("limits") & refused == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")
def test_a_user_of_its_own_owns_nothing_and_reaches_nobody():
    owned = FILES - {"read_a_file_of_the_system", "open_a_device", "run_a_program"}
    assert done("user") & (owned | OTHERS) == set()
    assert done("user", "limits") & {"fork", "fork_as_of_late", "start_a_thread"} == set()


def test_all_layers_together_leave_nothing():
    assert done(*(layer for layer in LAYERS if layer != "user" or os.geteuid() == 0)) == set()
