import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import event, select
from structlog.testing import capture_logs

from libs.common.backoff import delay_s
from libs.common.contracts.audio import AudioDeleted
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import (
    Conflict,
    Permanent,
    Rejected,
    Transient,
    Unavailable,
    UnknownVersion,
)
from libs.common.observability.metrics import Metrics
from libs.common.processing import consumer as consumer_module
from libs.common.processing import delivery as delivery_module
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.routes import on
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tables import events, inbox, jobs
from libs.common.store.tombstones import tombstone
from libs.common.testing.records import record

CANARY = "A title, by its author (2026)."


@dataclass
class Letters:
    records: list[tuple[str, bytes, bytes, dict[str, bytes]]] = field(default_factory=list)

    async def send_and_wait(self, topic, value, key, *, headers):
        self.records.append((topic, value, key, dict(headers)))


class Payload(BaseModel):
    document_id: UUID


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(consumer_module, "delay_s", lambda attempt, cap_s: 0.0)


def deleted(document_id=None):
    return AudioDeleted(
        document_id=document_id or uuid4(),
        owner_id=uuid4(),
        audio_id=uuid4(),
        deleted_by=uuid4(),
    )


def rejected(about=None, code="gone", details=None):
    """Return the event that a document, that of ``about`` or another one, cannot be read."""
    about = about or deleted()
    return DocumentRejected(
        document_id=about.document_id, owner_id=about.owner_id, code=code, details=details
    )


def consuming(database, handler, letters=None, others=(), storage=None, **options):
    return Consumer(
        database=database,
        storage=storage or MemoryStorage(),
        service="ingest",
        routes=[on(AudioDeleted, handler), *others],
        dead_letters=DeadLetters(letters or Letters(), "ingest", max_in_place_s=60.0),
        metrics=Metrics("ingest"),
        **{"max_attempts": 5, "max_in_place_s": 60.0, "max_consecutive_bugs": 10} | options,
    )


def owe(event, reason):
    return [rejected(event, reason.code, reason.details)]


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def failures(database):
    """The events that say that work was given up."""
    return [
        TaskFailed.decode(
            row.body,
            event_id=UUID(row.event_id),
            occurred_at=datetime.fromisoformat(row.occurred_at),
        )
        for row in await rows(database, events)
        if row.topic == TaskFailed.topic
    ]


async def reject(event):
    return [
        rejected(event),
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

    letters, storage = Letters(), MemoryStorage()
    event = deleted()
    consumer = consuming(database, handler, letters, storage=storage)
    taken = [*await consumer.take([record(event)]), *await consumer.take([record(event)])]
    assert [found.outcome for found in taken][1] == "duplicate"
    assert len(storage.objects) == len(letters.records) == 1
    [row] = await rows(database, events)
    assert row.topic == TaskFailed.topic
    assert str(error).encode() not in row.body
    assert str(event.document_id).encode() in row.body
    topic, value, _, extra = letters.records[0]
    assert topic == "audio.deleted.ingest.dlq"
    assert value == event.encode()
    assert extra["dlq_offset"] == b"7"
    assert extra["ce_id"] == str(event.event_id).encode()


@pytest.mark.slow
@pytest.mark.parametrize("error", [Permanent("never"), ValueError("a bug")])
async def test_what_the_domain_owes_for_given_up_work_is_recorded_too(database, error):
    async def handler(event):
        raise error

    owing = on(AudioDeleted, handler, owe)
    await consuming(database, handler, others=[owing]).take([record(deleted())])
    owed, failed = await rows(database, events)
    assert (owed.topic, failed.topic) == (DocumentRejected.topic, TaskFailed.topic)
    assert str(error).encode() not in owed.body


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": []},
        {"headers": [("ce_id", b"x"), ("ce_type", None)]},
        {"headers": [("ce_specversion", b"9")]},
        {"headers": [], "value": b"not json"},
    ],
)
async def test_what_is_no_event_at_all_becomes_a_dead_letter_and_nothing_else(database, changes):
    letters = Letters()
    await consuming(database, reject, letters).take([record(deleted(), **changes)])
    assert [topic for topic, *_ in letters.records] == ["audio.deleted.ingest.dlq"]
    assert await rows(database, inbox) == []
    assert await rows(database, events) == []


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"not json", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (None, "malformed"),
        (b'{"version": 0}', "malformed"),
        (b'{"version": 1e999}', "malformed"),
        (b"[" * 100_000 + b"]" * 100_000, "malformed"),
        (b"\xff\xfe", "malformed"),
    ],
)
async def test_an_event_that_cannot_be_read_is_a_dead_letter_and_a_failure(database, value, code):
    """Its headers name the document, and the stream that somebody waits for."""
    letters, storage, event = Letters(), MemoryStorage(), deleted()
    consumer = consuming(database, reject, letters, storage=storage)
    taken = [*await consumer.take([record(event, value=value)])]
    taken += await consumer.take([record(event, value=value)])
    assert [found.outcome for found in taken] == ["malformed"] * 2
    assert [topic for topic, *_ in letters.records] == ["audio.deleted.ingest.dlq"]
    assert {extra["dlq_code"] for *_, extra in letters.records} == {code.encode()}
    assert len(storage.objects) == 1
    [failed] = await failures(database)
    assert (failed.kind, failed.code, failed.attempts) == (event.topic, code, 1)
    assert (failed.document_id, failed.about_stream) == (event.document_id, event.stream)
    assert failed.key == event.key
    reason = (await read_details(storage, failed.details, FailureDetails)).reason
    assert reason.encode() == letters.records[0][-1]["dlq_reason"]
    [handled] = await rows(database, inbox)
    assert (handled.event_id, handled.body) == (str(event.event_id), None)
    assert handled.given_up is not None
    assert appended(consumer) == 1


async def test_an_event_that_was_handled_is_no_failure_when_it_comes_again_in_pieces(database):
    event, letters = deleted(), Letters()
    consumer = consuming(database, reject, letters)
    await consumer.take([record(event)])
    await consumer.take([record(event, value=b"not json")])
    assert len(letters.records) == 1
    assert await failures(database) == []


async def test_of_headers_in_words_only_the_failure_is_known(database):
    """They are somebody else's, and what they say is no part of an event."""
    event, said = deleted(), CANARY.encode()
    headers = [
        (name, said if name in ("ce_subject", "ce_stream") else value)
        for name, value in record(event).headers
    ]
    await consuming(database, reject).take([record(event, value=said, headers=headers)])
    [failed] = await failures(database)
    assert (failed.document_id, failed.about_stream, failed.details) == (None, None, None)
    assert failed.key == str(failed.task_id)
    assert said not in failed.encode()


async def test_what_nobody_here_waits_for_is_only_a_dead_letter(database):
    letters = Letters()
    await consuming(database, reject, letters).take([record(rejected(), value=b"not json")])
    assert len(letters.records) == 1
    assert await rows(database, events) == await rows(database, inbox) == []


@pytest.mark.slow
async def test_what_reading_a_record_trips_over_becomes_a_dead_letter(database, monkeypatch):
    def trip(envelope, value):
        raise ZeroDivisionError

    monkeypatch.setattr(delivery_module, "decode", trip)
    letters = Letters()
    consumer = consuming(database, reject, letters)
    await consumer.take([record(deleted()), record(deleted())])
    assert [extra["dlq_error"] for *_, extra in letters.records] == [b"ZeroDivisionError"] * 2
    counted = consumer.metrics.dead_letters_total.labels(topic=AudioDeleted.topic)
    assert counted._value.get() == 2
    assert [failed.code for failed in await failures(database)] == ["bug"] * 2


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
    good, broken = deleted(), deleted()
    poison = record(broken, value=b"not json")
    await consuming(database, reject, letters).take([poison, record(good)])
    assert [value for _, value, _, _ in letters.records] == [b"not json"]
    assert [(row.key, row.topic) for row in await rows(database, events)] == [
        (broken.key, TaskFailed.topic),
        (str(good.document_id), DocumentRejected.topic),
    ]


def newer(offset=7, partition=0):
    found = record(deleted(), offset=offset, value=b'{"version": 99}')
    return replace(found, partition=partition)


async def test_a_version_that_is_too_new_pauses_its_partition_and_no_other(database):
    letters, before, elsewhere = Letters(), deleted(), deleted()
    given = [
        record(before, offset=7),
        newer(offset=8),
        replace(record(elsewhere, offset=3), partition=1),
        record(deleted(), offset=9),
        newer(offset=4, partition=2),
    ]
    taken = await consuming(database, reject, letters).take(given)
    outcomes = [found.outcome for found in taken]
    assert outcomes == ["handled", "paused", "handled", "paused", "paused"]
    assert {row.event_id for row in await rows(database, inbox)} == {
        str(before.event_id),
        str(elsewhere.event_id),
    }
    assert letters.records == []


async def test_a_paused_partition_is_told_once_with_what_to_do(database):
    with capture_logs() as lines:
        await consuming(database, reject).take([newer(offset=8), record(deleted(), offset=9)])
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert (line["topic"], line["partition"], line["offset"]) == (AudioDeleted.topic, 0, 8)
    assert (line["found"], line["known"]) == (99, AudioDeleted.version)
    assert "upgrade" in line["what_to_do"]


async def test_a_version_that_only_a_handler_finds_too_new_pauses_too(database):
    """As in a store that a newer release has written to."""

    async def handler(event):
        raise UnknownVersion("DocumentSubmitted", 2, 1)

    letters = Letters()
    [taken] = await consuming(database, handler, letters).take([record(deleted())])
    assert (taken.outcome, letters.records) == ("paused", [])
    assert await rows(database, inbox) == []


async def test_a_version_that_is_too_new_holds_up_nobody_who_does_not_want_it(database):
    other = record(rejected(), value=b'{"version": 99}')
    [taken] = await consuming(database, reject).take([other])
    assert taken.outcome == "ignored"


async def test_types_that_nobody_routes_are_passed_over(database):
    other, good = rejected(), deleted()
    await consuming(database, reject).take([record(other), record(good)])
    assert [row.event_id for row in await rows(database, inbox)] == [str(good.event_id)]


async def test_soon_after_an_outage_work_goes_on(database, monkeypatch):
    """However long it was: what waits longer than this is late by as much when it is over."""
    waits, sleep = [], asyncio.sleep

    async def wait(seconds):
        waits.append(seconds)
        await sleep(0)

    async def handler(event):
        if len(waits) < 12:
            raise Unavailable("gone")
        return await reject(event)

    monkeypatch.setattr(consumer_module, "delay_s", delay_s)
    monkeypatch.setattr(asyncio, "sleep", wait)
    await consuming(database, handler, max_in_place_s=60.0).take([record(deleted())])
    assert len(waits) >= 12
    assert max(waits) <= 5.0


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
    assert appended(consumer) == 2 + len(poison)


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

    owing = on(AudioDeleted, handler, broken)
    consumer = consuming(database, handler, others=[owing])
    [taken] = await consumer.take([record(deleted())])
    [failed] = await rows(database, events)
    assert (taken.outcome, failed.topic) == ("given_up", TaskFailed.topic)
    assert consumer.metrics.bugs_total.labels(where=AudioDeleted.topic)._value.get() == 1


def raising(error):
    async def handler(event):
        try:
            raise LookupError(CANARY)
        except LookupError as cause:
            raise error from cause

    return handler


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("encrypted", CANARY), "encrypted"),
        (Transient(CANARY), "transient"),
        (Permanent(CANARY), "permanent"),
        (KeyError(CANARY), "bug"),
        (ExceptionGroup(CANARY, [ValueError(CANARY)]), "bug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_a_reason_is_in_no_event_no_log_and_no_dead_letter(
    database, logged, error, code, together
):
    """It is in an object of the document, and that of an unexpected error is nowhere."""
    letters, storage = Letters(), MemoryStorage()
    owing = on(AudioDeleted, raising(error), owe)
    consumer = consuming(database, raising(error), letters, [owing], storage)
    await consumer.take([record(deleted()) for _ in range(1 + together)])
    written, said = logged(), CANARY.encode()
    assert "work given up" in written
    assert ("Traceback" in written) == (code == "bug")
    assert CANARY not in written
    stored = [row.body for row in await rows(database, events)]
    assert len(stored) == 2 * (1 + together)
    assert said not in b"".join(stored)
    assert [extra["dlq_code"].decode() for *_, extra in letters.records] == [code] * (1 + together)
    assert said not in b"".join(b"".join(extra.values()) for *_, extra in letters.records)
    kept = [said in data for data in storage.objects.values()]
    assert kept == [code != "bug"] * (1 + together)
    for failed in await failures(database):
        assert failed.details.key in storage.objects


async def test_what_an_event_says_that_cannot_be_read_is_not_quoted(database, logged):
    """It stays in the dead letter, which is the record as it came."""
    letters, storage, said = Letters(), MemoryStorage(), CANARY.encode()
    value = b'{"document_id": "%s", "deleted_by": ["%s"]}' % (said, said)
    consumer = consuming(database, reject, letters, storage=storage)
    await consumer.take([record(deleted(), value=value), record(deleted(), value=said)])
    assert CANARY not in logged()
    assert said not in b"".join(row.body for row in await rows(database, events))
    assert said not in b"".join(storage.objects.values())
    assert [sent for _, sent, _, _ in letters.records] == [value, said]
    assert said not in b"".join(b"".join(extra.values()) for *_, extra in letters.records)


async def test_without_a_storage_a_failure_is_recorded_without_its_reason(database, logged):
    class Down(MemoryStorage):
        async def write(self, *_, **__):
            raise Unavailable(CANARY)

    async def handler(event):
        raise Rejected("encrypted", CANARY)

    owing = on(AudioDeleted, handler, owe)
    letters = Letters()
    consumer = consuming(database, handler, letters, [owing], Down())
    await consumer.take([record(deleted())])
    await consumer.take([record(deleted(), value=b"not json")])
    given_up, unreadable = await failures(database)
    assert (given_up.code, given_up.details) == ("encrypted", None)
    assert (unreadable.code, unreadable.details) == ("malformed", None)
    assert len(await rows(database, events)) == 3
    assert len(letters.records) == 2
    written = logged()
    assert "a reason could not be stored" in written
    assert CANARY not in written


class Failing:
    """A handler that fails until it is mended."""

    def __init__(self, error):
        self.error = error

    async def __call__(self, event):
        if self.error is not None:
            raise self.error
        return await reject(event)


def sent_again(event, **changes):
    """Return the record of an event that the relay has sent once more."""
    return record(event, offset=50, **changes)


def topics(stored):
    return [row.topic for row in stored]


@pytest.mark.slow
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("error", [Permanent("never"), Transient("always"), ValueError("a bug")])
async def test_what_was_given_up_is_handled_when_it_is_sent_again(database, error, together):
    event, handler = deleted(), Failing(error)
    consumer = consuming(database, handler, keep_events=True)
    await consumer.take([record(event)])
    handler.error = None
    company = [record(deleted(), offset=51)] if together else []
    [same] = await consumer.take([record(event)])
    again = await consumer.take([sent_again(event), *company])
    once_more = await consumer.take([record(event), sent_again(event), record(event, offset=60)])
    assert same.outcome == "duplicate"
    assert {found.outcome for found in again} == {"handled"}
    assert {found.outcome for found in once_more} == {"duplicate"}
    about_it = [row for row in await rows(database, events) if row.key == event.key]
    assert topics(about_it) == [TaskFailed.topic, DocumentRejected.topic]
    [row] = [row for row in await rows(database, inbox) if row.event_id == str(event.event_id)]
    assert (row.given_up, row.body) == (None, event.encode())


async def test_what_could_not_be_read_is_handled_when_it_comes_again_whole(database):
    event, letters = deleted(), Letters()
    consumer = consuming(database, reject, letters, keep_events=True)
    await consumer.take([record(event, value=b"not json")])
    [taken] = await consumer.take([sent_again(event)])
    assert taken.outcome == "handled"
    assert topics(await rows(database, events)) == [TaskFailed.topic, DocumentRejected.topic]
    [row] = await rows(database, inbox)
    assert (row.topic, row.body) == (event.topic, event.encode())
    assert len(letters.records) == 1


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, b"not json"])
async def test_every_time_that_it_is_sent_and_given_up_is_told_once(database, value):
    """Its task keeps its identity, and the stream of the task says how often it failed."""
    event, letters = deleted(), Letters()
    consumer = consuming(database, Failing(Permanent("never")), letters)
    changes = {} if value is None else {"value": value}
    for message in (record(event, **changes), sent_again(event, **changes)):
        for _ in range(2):
            await consumer.take([message])
    first, second = await failures(database)
    assert (first.task_id, first.fingerprint) == (second.task_id, second.fingerprint)
    assert len(letters.records) == 2


async def test_a_topic_that_was_made_anew_hides_nothing(database):
    """Its offsets begin anew, and so do those of the embedded broker at every start."""
    event, handler = deleted(), Failing(Permanent("never"))
    consumer = consuming(database, handler)
    await consumer.take([record(event)])
    handler.error = None
    [taken] = await consumer.take([record(event, timestamp_ms=1_790_000_000_001)])
    assert taken.outcome == "handled"


async def test_a_reason_is_not_stored_where_the_document_is_gone(database):
    """The sweep may be over: nobody would remove it."""
    gone, here, storage = deleted(), deleted(), MemoryStorage()
    async with database.transaction() as connection:
        await apply(connection, [tombstone(str(gone.document_id))], None)
    consumer = consuming(database, Failing(Permanent("never")), storage=storage)
    await consumer.take([record(gone, offset=1)])
    await consumer.take([record(deleted(gone.document_id), offset=2, value=b"not json")])
    assert storage.objects == {}
    assert [failed.details for failed in await failures(database)] == [None, None]
    await consumer.take([record(here, offset=3)])
    assert len(storage.objects) == 1
