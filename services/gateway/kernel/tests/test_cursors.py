from uuid import UUID, uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.kernel.cursors import cursor, position, sorted_cursor, sorted_position


def test_there_and_back():
    identity = uuid4()
    assert position(cursor("2026-11-27T00:00:00+00:00", identity)) == (
        "2026-11-27T00:00:00+00:00",
        str(identity),
    )


NO_SEPARATORS = ["\ud800", "\0", " ", "é"]
"""What may stand between a date and a time, says ``fromisoformat``, and does not in a cursor."""


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "bm8=",
        cursor("no moment", UUID(int=1)),
        *(cursor(f"2020-01-01{between}00:00:00", UUID(int=1)) for between in NO_SEPARATORS),
    ],
)
def test_a_cursor_of_somebody_else(given):
    with pytest.raises(Rejected, match="no place in the list"):
        position(given)


@pytest.mark.parametrize("value", ["", "Ελένη", "x" * 200])
def test_a_place_in_one_of_several_orders(value):
    identity = uuid4()
    assert sorted_position(sorted_cursor("title", value, identity), "title") == (
        value,
        str(identity),
    )


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        cursor("2020-01-01", UUID(int=1)),
        sorted_cursor("-title", "a", UUID(int=1)),
        sorted_cursor("title", "a\0", UUID(int=1)),
        sorted_cursor("title", "\ud800", UUID(int=1)),
    ],
)
def test_a_place_in_another_order(given):
    with pytest.raises(Rejected, match="no place in the list"):
        sorted_position(given, "title")
