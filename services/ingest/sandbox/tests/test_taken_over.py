"""Attempts of a parser and of a fetcher that were taken over, by each layer alone and by all."""

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
AROUND_TCP = {"connect_by_multipath_tcp", "connect_by_fast_open"}
"""What some versions of Landlock do not see."""
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
    "learn_the_size_of_a_file",
    "serve_on_any_port",
    "set_an_option_of_a_socket",
}
"""What works for a process without layers wherever tests run, and no file has to do with."""
KEPT_BY_FETCHERS = {
    "make_a_socket",
    "make_a_socket_of_ipv6",
    "connect_to_a_website",
    "send_a_datagram",
    "read_the_name_servers",
    "learn_the_size_of_a_file",
}
"""What fetching takes, or cannot be told from it."""
READING = {
    "read_a_file_of_the_system",
    "read_another_document",
    "read_the_environment_of_the_parent",
    "read_the_environment_of_the_first_process",
    "read_its_own_environment",
    "read_memory_of_the_parent",
    "open_a_device",
}


@cache
def outcomes(process: str, *layers: str) -> dict[str, str]:
    command = [sys.executable, "-m", "services.ingest.sandbox.tests.taken_over", process, *layers]
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


def done(process: str, *layers: str) -> set[str]:
    return {name for name, outcome in outcomes(process, *layers).items() if outcome == "done"}


def landlock() -> int:
    try:
        return landlock_abi()
    except OSError:
        pytest.skip("this kernel has no Landlock")


def test_without_layers_the_attempts_are_real():
    assert done("parser") >= FILES | OTHERS | TCP | SCOPED | ALWAYS | KEPT_BY_FETCHERS


def test_the_list_of_system_calls_refuses_everything_alone():
    assert done("parser", "seccomp") == set()


def test_an_attack_is_seen_by_its_death():
    killed = {
        name
        for name, outcome in outcomes("parser", "seccomp").items()
        if outcome == "killed: SIGSYS"
    }
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


@pytest.mark.parametrize("process", ["parser", "fetcher"])
def test_landlock_refuses_files_and_whatever_is_outside_alone(process):
    abi = landlock()
    refused = FILES | OTHERS | (TCP if abi >= 4 else set()) | (SCOPED if abi >= 6 else set())
    assert done(process, "landlock") & refused == set()


def test_limits_refuse_writing_and_descriptors_alone():
    refused = {"write_a_file", "make_a_pipe", "make_a_pair_of_sockets"}
    assert done("parser", "limits") & refused == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")
def test_a_user_of_its_own_owns_nothing_and_reaches_nobody():
    owned = FILES - {"read_a_file_of_the_system", "open_a_device", "run_a_program"}
    assert done("parser", "user") & (owned | OTHERS) == set()
    forks = {"fork", "fork_as_of_late", "start_a_thread"}
    assert done("parser", "user", "limits") & forks == set()


def all_layers() -> list[str]:
    return [layer for layer in LAYERS if layer != "user" or os.geteuid() == 0]


def test_all_layers_together_leave_a_parser_nothing():
    assert done("parser", *all_layers()) == set()


def test_the_list_of_a_fetcher_leaves_reading_and_connecting_alone():
    left = done("fetcher", "seccomp")
    assert left - KEPT_BY_FETCHERS - READING - TCP == set()
    assert {"make_a_socket", "connect_to_a_website"} <= left


def test_an_attack_of_a_fetcher_is_seen_by_its_death():
    found = outcomes("fetcher", "seccomp")
    killed = {name for name, outcome in found.items() if outcome == "killed: SIGSYS"}
    assert killed >= {
        "fork_as_of_old",
        "run_a_program",
        "run_a_program_by_descriptor",
        "trace_the_parent",
        "read_the_parent",
        "make_a_pair_of_sockets",
        "make_a_ring",
        "enter_namespaces_of_its_own",
    }


def test_all_layers_together_leave_a_fetcher_the_web():
    left = done("fetcher", *all_layers())
    assert left - (set() if landlock() >= 4 else TCP) <= KEPT_BY_FETCHERS
    assert left >= {"connect_to_a_website", "send_a_datagram", "read_the_name_servers"}
