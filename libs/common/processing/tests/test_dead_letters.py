"""Dead letters while the broker takes nothing."""

import asyncio

import pytest

from libs.common.errors import Malformed, Unavailable
from libs.common.processing import dead_letters as dead_letters_module
from libs.common.processing.dead_letters import DeadLetters, Record


class Moody:
    """Takes a record after ``refusals`` refusals."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[str] = []

    async def send_and_wait(self, topic, value, key, *, headers):
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("away")
        self.taken.append(topic)


@pytest.fixture
def pauses(monkeypatch):
    found: list[int] = []

    def no_delay(attempt: int) -> float:
        found.append(attempt)
        return 0.0

    monkeypatch.setattr(dead_letters_module, "delay_s", no_delay)
    return found


def poison() -> Record:
    return Record(
        topic="document.deleted", partition=0, offset=7, key=b"key", value=b"{", headers=[]
    )


async def test_it_is_tried_again_in_place(pauses):
    letters = Moody(refusals=3)
    await DeadLetters(
        letters,
        "ingest",
        max_in_place_s=60.0,
    ).dead_letter(poison(), Malformed("no event"))
    assert (letters.taken, pauses) == (["document.deleted.ingest.dlq"], [1, 2, 3])


async def test_after_too_long_the_record_is_left_on_its_topic(pauses):
    letters = DeadLetters(Moody(refusals=9), "ingest", max_in_place_s=0.0)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(letters.dead_letter(poison(), Malformed("no event")), 10)
