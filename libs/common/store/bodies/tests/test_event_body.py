import json
import zlib
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

from libs.common.store.bodies.event_body import EventBody, PartOfEvent, deflate, inflate

GOLDEN = Path(__file__).resolve().parents[5] / "docs/events/golden"
own = MetaData()
bodies = Table("bodies", own, Column("id", Integer, primary_key=True), Column("body", EventBody))
parts = Table("parts", own, Column("id", Integer, primary_key=True), Column("part", PartOfEvent))


def samples():
    for path in sorted(GOLDEN.glob("*/v*.json")):
        value = json.loads(path.read_text())["value"]
        yield json.dumps(value, separators=(",", ":")).encode()


def test_samples_of_all_events_come_back_and_are_less_than_half():
    stored = [deflate(body) for body in samples()]
    assert [inflate(one) for one in stored] == list(samples())
    assert sum(map(len, stored)) < sum(map(len, samples())) / 2


UUID_ = b"0191e0b0-0000-7000-8000-00000000002a"
DIGEST = b"ab" * 32


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"a":"' + b"\xc3\xa4" * 50_000 + b'"}',
        bytes(256),
        bytes(range(256)),
        UUID_ + UUID_ + DIGEST + DIGEST,
        UUID_ + b"-" + UUID_[1:] + DIGEST[1:] + b"f" * 200,
        UUID_.upper() + DIGEST.upper(),
        b"-".join([b"fefefefe", *[b"ffff"] * 3, b"fe" * 6]) + b"fe" * 32 + b"ff" * 32,
        b'"key":"audio/' + UUID_ + b"/" + UUID_ + b'/page.m4a","sha256":"' + DIGEST + b'"',
    ],
)
def test_whatever_it_is_comes_back(body):
    assert inflate(deflate(body)) == body


def test_identifiers_and_digests_take_as_many_bytes_as_they_stand_for():
    spare = 8  # half of all bytes take nine bits
    number = b"0191e0b0-6c1d-7a3f-9b52-e4d7c8a05f16"
    assert len(deflate(number)) <= 16 + spare
    digest = b"269da848188993a4b8632db73adfd7caee931f9bf86b8b560e588e011077eb38"
    assert len(deflate(digest)) <= 32 + spare


def test_what_is_not_compressed_is_read_as_it_is():
    assert inflate(b'{"version":1}') == b'{"version":1}'


async def test_postgresql_holds_less_and_both_give_back_what_they_were_given(database):
    body = next(samples())
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        await connection.execute(insert(bodies), [{"id": 1, "body": body}, {"id": 2, "body": None}])
        found = await connection.scalars(select(bodies.c.body).order_by(bodies.c.id))
        assert list(found) == [body, None]
        size = await connection.scalar(text("SELECT length(body) FROM bodies WHERE id = 1"))
    assert size == (len(body) if database.sqlite else len(deflate(body)))


async def test_a_part_is_a_value_and_none_is_null(database):
    given = [{"key": "documents/1/pages/1/0.md", "size": 7}, [{"format": "m4a"}], None]
    async with database.transaction() as connection:
        await connection.run_sync(own.create_all)
        rows = [{"id": number, "part": part} for number, part in enumerate(given)]
        await connection.execute(insert(parts), rows)
        found = await connection.scalars(select(parts.c.part).order_by(parts.c.id))
        assert list(found) == given
        missing = select(parts.c.id).where(parts.c.part.is_(None))
        assert list(await connection.scalars(missing)) == [2]


@pytest.mark.parametrize("body", [b'{"version":1}', b'{"a":"' + bytes(range(256)) + b'"}'])
def test_what_is_cut_off_or_damaged_is_no_other_event(body):
    stored = deflate(body)
    for length in range(1, len(stored)):
        with pytest.raises((ValueError, zlib.error)):
            inflate(stored[:length])
