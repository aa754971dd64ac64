from uuid import UUID, uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.kernel.cursors import cursor, position


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
