"""docs/security.md has a line for every requirement that it promises, and tests that there are."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "security.md"
LINE = re.compile(r"\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+?) \|")
TEST = re.compile(r"`([\w/.]+\.py)::(\w+)`")

LAST = {
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
}  # fmt: skip
"""How many requirements of levels 1 and 2 there are in each section of ASVS 5.0.0."""
REASONS = ("Does not apply: ", "Not held")


def lines() -> dict[str, tuple[str, str]]:
    """How each requirement is held, and by what."""
    found = {}
    for number, _level, how, held in LINE.findall(TABLE.read_text("utf-8")):
        assert number not in found, number
        found[number] = how, held
    return found


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8") if (ROOT / path).exists() else ""


def missing(held: str) -> list[str]:
    """The tests that are named and are not there."""
    named = TEST.findall(held)
    return [name for path, name in named if f"def {name}(" not in text_of(path)]


def test_every_requirement_has_a_line():
    wanted = {f"{section}.{number + 1}" for section, last in LAST.items() for number in range(last)}
    assert set(lines()) == wanted


def test_every_line_names_tests_that_there_are_or_says_why_not():
    for number, (how, held) in lines().items():
        assert missing(held) == [], number
        assert TEST.search(held) or how.startswith(REASONS) or "(" in held, number


def test_these_checks_find_what_they_are_for():
    assert missing("`tests/contracts/test_security_table.py::test_nothing`") == ["test_nothing"]
    assert missing("`tests/nowhere.py::test_nothing`") == ["test_nothing"]
