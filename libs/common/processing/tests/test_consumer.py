from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import event, select

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Conflict, Permanent, Transient, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing import consumer as consumer_module
from libs.common.processing import delivery as delivery_module
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.routes import on
from libs.common.store.jobs import NewJob
from libs.common.store.tables import events, inbox, jobs
from libs.common.testing.records import record


@dataclass
class Letters:
    records: list[tuple[str, bytes, bytes, dict[str, bytes]]] = field(default_factory=list)

    async def send_and_wait(self, topic, value, key, *, headers):
        self.records.append((topic, value, key, dict(headers)))


class Payload(BaseModel):
    document_id: UUID


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(consumer_module, "delay_s", lambda attempt: 0.0)


def deleted():
    return DocumentDeleted(document_id=uuid4(), deleted_by=uuid4())


def rejected():
    return DocumentRejected(document_id=uuid4(), code="gone", reason="Deleted.")


def consuming(database, handler, letters=None, others=(), **options):
    return Consumer(
        database=database,
        service="ingest",
        routes=[on(DocumentDeleted, handler), *others],
        dead_letters=DeadLetters(letters or Letters(), "ingest", max_in_place_s=60.0),
        metrics=Metrics("ingest"),
        **{"max_attempts": 5, "max_in_place_s": 60.0, "max_consecutive_bugs": 10} | options,
    )


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def reject(event):
    return [
        DocumentRejected(document_id=event.document_id, code="gone", reason="Deleted."),
        NewJob(kind="erase", payload=Payload(document_id=event.document_id), subject="s"),
    ]


async def test_effects_are_recorded_once_however_often_it_is_delivered(database):
    consumer = consuming(database, reject)
    message = record(deleted())
    for _ in range(3):
        await consumer.take([message])
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
        await consumer.take([record(deleted())])
    for table in (events, jobs, inbox):
        assert await rows(database, table) == []


async def test_transient_errors_are_retried_in_place(database):
    tries = []

    async def handler(event):
        tries.append(event)
        if len(tries) < 3:
            raise Transient("flaky")
        return await reject(event)

    await consuming(database, handler).take([record(deleted())])
    assert len(tries) == 3
    assert len(await rows(database, events)) == 1


async def test_a_conflict_is_decided_again(database):
    tries = []

    async def handler(event):
        tries.append(event)
        if len(tries) == 1:
            raise Conflict("document/1")
        return await reject(event)

    await consuming(database, handler).take([record(deleted())])
    assert len(tries) == 2


@pytest.mark.slow
@pytest.mark.parametrize("error", [Permanent("never"), Transient("always"), ValueError("a bug")])
async def test_given_up_work_is_reported_and_kept(database, error):
    async def handler(event):
        raise error

    letters = Letters()
    event = deleted()
    consumer = consuming(database, handler, letters)
    await consumer.take([record(event)])
    await consumer.take([record(event)])
    [row] = await rows(database, events)
    assert row.topic == TaskFailed.topic
    assert b"a bug" not in row.body
    assert str(event.document_id).encode() in row.body
    topic, value, _, extra = letters.records[0]
    assert topic == "document.deleted.ingest.dlq"
    assert value == event.encode()
    assert extra["dlq_offset"] == b"7"
    assert extra["ce_id"] == str(event.event_id).encode()


@pytest.mark.slow
@pytest.mark.parametrize("error", [Permanent("never"), ValueError("a bug")])
async def test_what_the_domain_owes_for_given_up_work_is_recorded_too(database, error):
    async def handler(event):
        raise error

    def gave_up(event, known):
        reason = str(known)
        return [DocumentRejected(document_id=event.document_id, code=known.code, reason=reason)]

    owing = on(DocumentDeleted, handler, gave_up)
    await consuming(database, handler, others=[owing]).take([record(deleted())])
    rejected, failed = await rows(database, events)
    assert (rejected.topic, failed.topic) == (DocumentRejected.topic, TaskFailed.topic)
    assert b"a bug" not in rejected.body


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b"not json"},
        {"value": b"[]"},
        {"value": b"{}"},
        {"value": None},
        {"value": b'{"version": 99}'},
        {"value": b'{"version": 0}'},
        {"value": b'{"version": 1e999}'},
        {"value": b"[" * 100_000 + b"]" * 100_000},
        {"value": b"\xff\xfe"},
        {"headers": []},
        {"headers": [("ce_id", b"x"), ("ce_type", None)]},
        {"headers": [("ce_specversion", b"9")]},
    ],
)
async def test_what_cannot_be_read_becomes_a_dead_letter(database, changes):
    letters = Letters()
    await consuming(database, reject, letters).take([record(deleted(), **changes)])
    assert [topic for topic, *_ in letters.records] == ["document.deleted.ingest.dlq"]
    assert await rows(database, inbox) == []


@pytest.mark.slow
async def test_what_reading_a_record_trips_over_becomes_a_dead_letter(database, monkeypatch):
    def trip(envelope, value):
        raise ZeroDivisionError

    monkeypatch.setattr(delivery_module, "decode", trip)
    letters = Letters()
    consumer = consuming(database, reject, letters)
    await consumer.take([record(deleted()), record(deleted())])
    assert [extra["dlq_error"] for *_, extra in letters.records] == [b"ZeroDivisionError"] * 2
    counted = consumer.metrics.dead_letters_total.labels(topic=DocumentDeleted.topic)
    assert counted._value.get() == 2
    assert await rows(database, inbox) == []


@pytest.mark.slow
async def test_too_many_bugs_in_a_row_stop_the_service(database):
    async def handler(event):
        raise ZeroDivisionError

    stopped = []
    consumer = consuming(
        database, handler, max_consecutive_bugs=2, stop_service=lambda: stopped.append(True)
    )
    for _ in range(2):
        await consumer.take([record(deleted())])
    assert not stopped
    last = deleted()
    with pytest.raises(Permanent):
        await consumer.take([record(last)])
    assert stopped
    assert len(await rows(database, inbox)) == 2


@pytest.mark.slow
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
    await consumer.take([record(deleted())])
    fail = False
    await consumer.take([record(deleted())])
    fail = True
    await consumer.take([record(deleted())])
    assert not stopped


@pytest.mark.slow
@pytest.mark.parametrize("together", [False, True])
async def test_a_success_on_another_topic_forgives_no_bugs(database, together):
    """Else a topic that always fails is drained while another one succeeds."""

    async def fail(event):
        raise ZeroDivisionError

    async def succeed(event):
        return []

    stopped = []
    consumer = consuming(
        database,
        fail,
        others=[on(DocumentRejected, succeed)],
        max_consecutive_bugs=2,
        stop_service=lambda: stopped.append(True),
    )
    for _ in range(2):
        await consumer.take([record(deleted())])
        await consumer.take([record(rejected()) for _ in range(1 + together)])
    assert not stopped
    with pytest.raises(Permanent):
        await consumer.take([record(deleted())])
    assert stopped


async def test_events_are_kept_where_read_models_are_rebuilt(database):
    event = deleted()
    await consuming(database, reject, keep_events=True).take([record(event)])
    [row] = await rows(database, inbox)
    assert row.body == event.encode()
    assert row.topic == event.topic


async def test_what_arrives_together_shares_a_transaction(database):
    """One commit, each effect once, also of an event that is in there twice."""
    commits = []

    @event.listens_for(database.engine.sync_engine, "commit")
    def committed(connection):
        commits.append(connection)

    some = [deleted() for _ in range(5)]
    consumer = consuming(database, reject)
    await consumer.take([record(given) for given in (*some, some[2])])
    assert len(commits) == 1
    assert len(await rows(database, inbox)) == 5
    stored = await rows(database, events)
    assert [row.key for row in stored] == [str(given.document_id) for given in some]
    await consumer.take([record(given) for given in (some[0], deleted(), some[4])])
    assert len(await rows(database, events)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("error", [Permanent("never"), Transient("always"), ValueError("a bug")])
async def test_one_bad_event_is_given_up_and_its_company_is_not(database, error):
    good, bad, other = deleted(), deleted(), deleted()

    async def handler(event):
        if event.document_id == bad.document_id:
            raise error
        return await reject(event)

    letters = Letters()
    await consuming(database, handler, letters).take([record(e) for e in (good, bad, other)])
    assert [(row.key, row.topic) for row in await rows(database, events)] == [
        (str(good.document_id), DocumentRejected.topic),
        (str(bad.document_id), TaskFailed.topic),
        (str(other.document_id), DocumentRejected.topic),
    ]
    assert [value for _, value, _, _ in letters.records] == [bad.encode()]


@pytest.mark.slow
async def test_an_effect_that_fails_takes_back_only_its_own_event(database):
    good, bad = deleted(), deleted()

    async def handler(event):
        async def fail(connection):
            raise ZeroDivisionError

        return [*await reject(event), *([fail] if event is not good and bad == event else [])]

    await consuming(database, handler).take([record(good), record(bad)])
    found = {(row.key, row.topic) for row in await rows(database, events)}
    assert found == {
        (str(good.document_id), DocumentRejected.topic),
        (str(bad.document_id), TaskFailed.topic),
    }


async def test_what_cannot_be_read_holds_up_none_of_its_company(database):
    letters = Letters()
    good = deleted()
    poison = record(deleted(), value=b"not json")
    await consuming(database, reject, letters).take([poison, record(good)])
    assert [value for _, value, _, _ in letters.records] == [b"not json"]
    assert [row.key for row in await rows(database, events)] == [str(good.document_id)]


async def test_types_that_nobody_routes_are_passed_over(database):
    other = DocumentRejected(document_id=uuid4(), code="c", reason="r")
    good = deleted()
    await consuming(database, reject).take([record(other), record(good)])
    assert [row.event_id for row in await rows(database, inbox)] == [str(good.event_id)]


async def test_an_outage_leaves_all_offsets_alone(database):
    async def handler(event):
        raise Unavailable("gone")

    consumer = consuming(database, handler, max_in_place_s=0.0)
    with pytest.raises(Unavailable):
        await consumer.take([record(deleted()), record(deleted())])
    assert await rows(database, inbox) == []


def appended(consumer):
    return consumer.metrics.events_appended_total._value.get()


@pytest.mark.parametrize("together", [False, True])
async def test_says_what_became_of_each_record(database, together):
    good, other = deleted(), rejected()
    consumer = consuming(database, reject)
    await consumer.take([record(good)])
    poison = [] if together else [record(deleted(), value=b"not json")]
    taken = await consumer.take([record(good), record(other), record(deleted()), *poison])
    outcomes = ["duplicate", "ignored", "handled", *(["malformed"] if poison else [])]
    assert [found.outcome for found in taken] == outcomes
    assert [found.lag_s is not None for found in taken[:3]] == [True, False, True]
    assert appended(consumer) == 2


async def test_counts_what_was_appended_and_nothing_that_was_rolled_back(database):
    async def handler(event):
        raise Permanent("never")

    consumer = consuming(database, handler)
    [taken] = await consumer.take([record(deleted())])
    assert (taken.outcome, appended(consumer)) == ("given_up", 1)

    async def fail(connection):
        raise Unavailable("gone")

    async def half(event):
        return [*await reject(event), fail]

    consumer = consuming(database, half, max_in_place_s=0.0)
    with pytest.raises(Unavailable):
        await consumer.take([record(deleted())])
    assert appended(consumer) == 0


@pytest.mark.slow
async def test_a_domain_that_cannot_tell_its_failure_holds_nothing_up(database):
    def broken(event, error):
        raise KeyError("x")

    async def handler(event):
        raise Permanent("never")

    owing = on(DocumentDeleted, handler, broken)
    consumer = consuming(database, handler, others=[owing])
    [taken] = await consumer.take([record(deleted())])
    [failed] = await rows(database, events)
    assert (taken.outcome, failed.topic) == ("given_up", TaskFailed.topic)
    assert consumer.metrics.bugs_total.labels(where=DocumentDeleted.topic)._value.get() == 1
