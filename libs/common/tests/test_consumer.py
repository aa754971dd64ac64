from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import select

from libs.common import consumer as consumer_module
from libs.common.cloudevents import headers, rfc3339
from libs.common.consumer import Consumer, Record
from libs.common.errors import Conflict, Permanent, Transient, Unavailable
from libs.common.events import DocumentDeleted, DocumentRejected, TaskFailed
from libs.common.jobs import NewJob
from libs.common.metrics import Metrics
from libs.common.routes import on
from libs.common.tables import events, inbox, jobs


@dataclass
class DeadLetters:
    records: list[tuple[str, bytes, bytes, dict[str, bytes]]] = field(default_factory=list)

    async def send_and_wait(self, topic, value, key, *, headers):
        self.records.append((topic, value, key, dict(headers)))


class Payload(BaseModel):
    document_id: UUID


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(consumer_module, "delay_s", lambda attempt: 0.0)


def record(event, **changes):
    pairs = headers(
        event_id=str(event.event_id),
        topic=event.topic,
        source="/lectern/gateway",
        occurred_at=rfc3339(event.occurred_at),
        key=event.key,
        traceparent=None,
    )
    values = {"value": event.encode(), "headers": pairs} | changes
    return Record(event.topic, 0, 7, event.key.encode(), values["value"], values["headers"])


def deleted():
    return DocumentDeleted(document_id=uuid4(), deleted_by=uuid4())


def consuming(database, handler, dead_letters=None, **options):
    return Consumer(
        database,
        "ingest",
        [on(DocumentDeleted, handler)],
        dead_letters or DeadLetters(),
        Metrics("ingest"),
        **options,
    )


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def reject(event):
    return [
        DocumentRejected(document_id=event.document_id, code="gone", reason="Deleted."),
        NewJob("erase", Payload(document_id=event.document_id), subject="s"),
    ]


async def test_effects_are_recorded_once_however_often_it_is_delivered(database):
    consumer = consuming(database, reject)
    message = record(deleted())
    for _ in range(3):
        await consumer.take(message)
    assert len(await rows(database, events)) == 1
    assert len(await rows(database, jobs)) == 1
    assert len(await rows(database, inbox)) == 1


async def test_a_failure_after_some_effects_leaves_nothing(database):
    async def handler(event):
        async def fail(connection):
            raise Unavailable("gone")

        return [*await reject(event), fail]

    consumer = consuming(database, handler, max_in_place_s=0.0)
    with pytest.raises(Unavailable):
        await consumer.take(record(deleted()))
    for table in (events, jobs, inbox):
        assert await rows(database, table) == []


async def test_transient_errors_are_retried_in_place(database):
    tries = []

    async def handler(event):
        tries.append(event)
        if len(tries) < 3:
            raise Transient("flaky")
        return await reject(event)

    await consuming(database, handler).take(record(deleted()))
    assert len(tries) == 3
    assert len(await rows(database, events)) == 1


async def test_a_conflict_is_decided_again(database):
    tries = []

    async def handler(event):
        tries.append(event)
        if len(tries) == 1:
            raise Conflict("document/1", 3)
        return await reject(event)

    await consuming(database, handler).take(record(deleted()))
    assert len(tries) == 2


@pytest.mark.parametrize("error", [Permanent("never"), Transient("always"), ValueError("a bug")])
async def test_given_up_work_is_reported_and_kept(database, error):
    async def handler(event):
        raise error

    letters = DeadLetters()
    event = deleted()
    consumer = consuming(database, handler, letters)
    await consumer.take(record(event))
    await consumer.take(record(event))
    [row] = await rows(database, events)
    assert row.topic == TaskFailed.topic
    assert b"a bug" not in row.body
    assert str(event.document_id).encode() in row.body
    topic, value, _, extra = letters.records[0]
    assert topic == "document.deleted.ingest.dlq"
    assert value == event.encode()
    assert extra["dlq_offset"] == b"7"
    assert extra["ce_id"] == str(event.event_id).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b"not json"},
        {"value": b"[]"},
        {"value": b"{}"},
        {"value": None},
        {"value": b'{"version": 99}'},
        {"value": b"\xff\xfe"},
        {"headers": []},
        {"headers": [("ce_id", b"x"), ("ce_type", None)]},
        {"headers": [("ce_specversion", b"9")]},
    ],
)
async def test_what_cannot_be_read_is_put_aside(database, changes):
    letters = DeadLetters()
    await consuming(database, reject, letters).take(record(deleted(), **changes))
    assert [each[0] for each in letters.records] == ["document.deleted.ingest.dlq"]
    assert await rows(database, inbox) == []


async def test_too_many_bugs_in_a_row_stop_the_service(database):
    async def handler(event):
        raise ZeroDivisionError

    stopped = []
    consumer = consuming(
        database, handler, max_consecutive_bugs=2, stop_service=lambda: stopped.append(True)
    )
    for _ in range(2):
        await consumer.take(record(deleted()))
    assert not stopped
    last = deleted()
    with pytest.raises(Permanent):
        await consumer.take(record(last))
    assert stopped
    assert len(await rows(database, inbox)) == 2


async def test_a_success_forgives_earlier_bugs(database):
    fail = True

    async def handler(event):
        if fail:
            raise ZeroDivisionError
        return []

    stopped = []
    consumer = consuming(
        database, handler, max_consecutive_bugs=1, stop_service=lambda: stopped.append(True)
    )
    await consumer.take(record(deleted()))
    fail = False
    await consumer.take(record(deleted()))
    fail = True
    await consumer.take(record(deleted()))
    assert not stopped


async def test_events_are_kept_where_read_models_are_rebuilt(database):
    event = deleted()
    await consuming(database, reject, keep_events=True).take(record(event))
    [row] = await rows(database, inbox)
    assert row.body == event.encode()
    assert row.topic == event.topic
