import re
from pathlib import Path

import pytest

from services.ingest.sandbox.kernel.allowed_calls import ATTACKS, COMPUTING, FETCHING


@pytest.mark.parametrize(
    ("machine", "header", "pattern"),
    [
        ("x86_64", "x86_64-linux-gnu/asm/unistd_64.h", r"__NR_{} {}\b"),
        ("aarch64", "asm-generic/unistd.h", r"(?:__NR|__NR3264)_{} {}\b"),
    ],
)
def test_numbers_are_those_of_the_kernel(machine, header, pattern):
    path = Path("/usr/include") / header
    if not path.exists():
        pytest.skip(f"no {path}")
    text = path.read_text().replace("__NR3264_fstatat", "__NR3264_newfstatat")  # called so too
    for name, call in {**COMPUTING, **FETCHING, **ATTACKS}.items():
        found = getattr(call, machine)
        assert found is None or re.search(pattern.format(name, found), text), name


def test_no_call_is_listed_twice():
    assert COMPUTING.keys().isdisjoint(FETCHING)
    assert COMPUTING.keys().isdisjoint(ATTACKS)
