import sys
from collections.abc import Callable

import pytest

from libs.common.errors import Rejected
from libs.common.observability.tracebacks import MAX_EXCEPTIONS, MAX_FRAMES, without_messages

SAID = "canary-in-a-message"


class Foreign(Exception):
    """Of somebody else, and notes when somebody wants its text."""

    asked = False

    def __str__(self) -> str:
        type(self).asked = True
        return SAID


def told(fail: Callable[[], object]) -> str:
    try:
        fail()
    except BaseException as error:
        found = without_messages((type(error), error, error.__traceback__))
    assert SAID not in found
    return found


def key_error():
    raise KeyError(SAID)


def test_frames_and_types_are_shown_and_no_message():
    lines = told(key_error).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line.rpartition(" in ")[2] for line in lines[1:-1]] == ["told", "key_error"]
    assert lines[2].startswith(f'  File "{__file__}", line ')
    assert lines[-1] == "KeyError"


def test_neither_is_that_of_an_error_of_ours():
    def fail():
        raise Rejected("encrypted", SAID)

    assert told(fail).splitlines()[-1] == "libs.common.errors.Rejected"


def test_neither_are_notes_or_lines_of_code():
    def fail():
        error = ValueError(SAID)
        error.add_note(SAID)
        raise error  # canary-in-a-message

    assert told(fail).splitlines()[-1] == "ValueError"


def test_a_syntax_error_shows_no_text():
    assert told(lambda: compile(f"{SAID!r} = =", "f.py", "exec")).splitlines()[-1] == "SyntaxError"


def test_the_message_is_not_even_asked_for():
    def fail():
        raise Foreign(SAID)

    assert told(fail).endswith(f"{__name__}.Foreign")
    assert not Foreign.asked


def test_a_cause_comes_before_what_it_caused():
    def fail():
        try:
            key_error()
        except KeyError as error:
            raise RuntimeError(SAID) from error

    found = told(fail)
    cause, link, effect = found.partition("\n\nThe above exception was the direct cause")
    assert link
    assert "key_error" in cause
    assert cause.endswith("KeyError")
    assert effect.endswith("RuntimeError")


def test_so_does_what_was_being_handled():
    def fail():
        try:
            key_error()
        except KeyError:
            raise RuntimeError(SAID)  # noqa: B904

    before, link, after = told(fail).partition("\n\nDuring handling of the above exception")
    assert link
    assert before.endswith("KeyError")
    assert after.endswith("RuntimeError")


def test_what_was_suppressed_is_not_shown():
    def fail():
        try:
            key_error()
        except KeyError:
            raise RuntimeError(SAID) from None

    assert "KeyError" not in told(fail)


def test_the_members_of_a_group_are_shown_each_with_its_own_cause():
    def caused():
        try:
            key_error()
        except KeyError as error:
            raise OSError(SAID) from error

    def fail():
        members: list[Exception] = []
        for member in (key_error, caused):
            try:
                member()
            except Exception as error:
                members.append(error)
        inner = ExceptionGroup(SAID, [ValueError(SAID)])
        raise ExceptionGroup(SAID, [*members, inner])

    found = told(fail)
    assert [line.strip() for line in found.splitlines() if " of " in line and "[" in line] == [
        *("[1 of 3]", "[2 of 3]", "[3 of 3]", "[1 of 1]")
    ]
    types = [line.strip() for line in found.splitlines() if line.endswith(("Error", "Group"))]
    assert types == [
        *("ExceptionGroup", "KeyError", "KeyError", "OSError", "ExceptionGroup", "ValueError")
    ]


def test_an_error_that_was_never_raised_is_named():
    error = KeyError(SAID)
    assert without_messages((KeyError, error, None)) == "KeyError"


def test_a_chain_that_bites_its_tail_ends():
    def fail():
        one, other = ValueError(SAID), KeyError(SAID)
        one.__cause__, other.__cause__ = other, one
        raise one

    assert told(fail).count("ValueError") == 1


@pytest.mark.parametrize("count", [MAX_EXCEPTIONS, 400])
def test_long_chains_and_large_groups_are_cut(count):
    def chained():
        error: BaseException = KeyError(SAID)
        for _ in range(count):
            following = ValueError(SAID)
            following.__cause__ = error
            error = following
        raise error

    assert told(chained).count("ValueError") == MAX_EXCEPTIONS

    def grouped():
        raise ExceptionGroup(SAID, [ValueError(SAID) for _ in range(count)])

    found = told(grouped)
    assert found.count("ValueError") == MAX_EXCEPTIONS - 1
    assert found.endswith(f"(and {count - MAX_EXCEPTIONS + 1} more)")


def test_deep_calls_are_cut_in_the_middle():
    def deep(n):
        return deep(n - 1) if n else key_error()

    found = told(lambda: deep(200)).splitlines()
    assert len(found) == MAX_FRAMES + 3
    assert "frames more)" in found[1 + MAX_FRAMES // 2]
    assert found[-2].endswith("in key_error")


def test_groups_in_groups_without_end_do_not_stop_the_log():
    """A nest as deep as Python lets somebody build it."""

    def fail():
        error: Exception = ValueError(SAID)
        for _ in range(sys.getrecursionlimit() - 100):
            error = ExceptionGroup(SAID, [error])
        raise error

    assert "ExceptionGroup" in told(fail)
