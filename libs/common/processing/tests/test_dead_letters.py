"""What dead letters say, and dead letters while the broker takes nothing."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import String

from libs.common.errors import (
    Malformed,
    ObjectCorrupt,
    Permanent,
    Rejected,
    Unavailable,
)
from libs.common.processing import dead_letters as dead_letters_module
from libs.common.processing.dead_letters import DeadLetters, Record
from libs.common.store.tables import inbox

SAID = "A title, by its author (2026)."


class Moody:
    """Takes a record after ``refusals`` refusals."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[str] = []
        self.headers: list[dict[str, bytes]] = []

    async def send_and_wait(self, topic, value, key, *, headers):
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("away")
        self.taken.append(topic)
        self.headers.append(dict(headers))


@pytest.fixture
def pauses(monkeypatch):
    found: list[int] = []

    def no_delay(attempt: int, cap_s: float) -> float:
        assert cap_s <= 5.0  # it is sent soon after an outage, however long that was
        found.append(attempt)
        return 0.0

    monkeypatch.setattr(dead_letters_module, "delay_s", no_delay)
    return found


def poison() -> Record:
    return Record(
        topic="document.deleted",
        partition=0,
        offset=7,
        timestamp_ms=1_790_000_000_000,
        key=b"key",
        value=b"{",
        headers=[],
    )


async def headers_for(error: Exception) -> dict[str, bytes]:
    letters = Moody(refusals=0)
    await DeadLetters(letters, "ingest", max_in_place_s=0.0).dead_letter(poison(), error)
    [headers] = letters.headers
    return headers


async def test_where_it_was_is_told_with_the_code_of_the_error():
    assert await headers_for(Rejected("encrypted", "Remove the password.")) == {
        "dlq_topic": b"document.deleted",
        "dlq_partition": b"0",
        "dlq_offset": b"7",
        "dlq_error": b"Rejected",
        "dlq_code": b"encrypted",
    }


async def test_why_it_cannot_be_decoded_is_said_in_words():
    headers = await headers_for(Malformed("DocumentDeleted", "check owner_id"))
    assert headers["dlq_reason"] == b"not a readable DocumentDeleted: check owner_id"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("encrypted", SAID), b"encrypted"),
        (Rejected(SAID, SAID), b"error"),
        (Permanent(SAID), b"permanent"),
        (ObjectCorrupt(SAID), b"object_corrupt"),
        (KeyError(SAID), b"bug"),
    ],
)
async def test_no_other_reason_is_said(error, code):
    headers = await headers_for(error)
    assert headers["dlq_code"] == code
    assert SAID.encode() not in b"".join(headers.values())


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


def test_a_record_is_told_from_others_by_partition_offset_and_time():
    found = poison()
    others = [
        replace(found, partition=1),
        replace(found, offset=8),
        replace(found, timestamp_ms=found.timestamp_ms + 1),
    ]
    assert len({found.place, *(other.place for other in others)}) == 4
    assert replace(found, value=b"[").place == found.place
    longest = replace(found, partition=2**31 - 1, offset=2**63 - 1, timestamp_ms=2**63 - 1)
    assert isinstance(inbox.c.given_up.type, String)
    assert len(longest.place) <= (inbox.c.given_up.type.length or 0)
