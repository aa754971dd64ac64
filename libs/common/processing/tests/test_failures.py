from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from libs.common.contracts.audio import AudioDeleted
from libs.common.contracts.details import DETAILS, MAX_REASON_CHARACTERS, FailureDetails
from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.errors import Permanent, Rejected, Throttled, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import (
    UNEXPECTED,
    Failures,
    GivenUp,
    Task,
    code_of,
    fingerprint,
    raised_in,
    task_failed,
)
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import apply
from libs.common.store.tombstones import tombstone

EVENT = AudioDeleted(document_id=uuid4(), owner_id=uuid4(), audio_id=uuid4(), deleted_by=uuid4())
SAID = "A title, by its author (2026)."


class SpeakJob(BaseModel):
    """A payload that says all there is to say."""

    document_id: UUID = UUID(int=1)
    owner_id: UUID = UUID(int=2)
    requested_by: UUID = UUID(int=3)
    page: int = 4
    stream: str = "audio/5"


class Rows(BaseModel):
    """A payload that is about no document."""

    count: int = 1


class Down(MemoryStorage):
    """A storage that takes nothing."""

    async def write(self, key, data, media_type=DETAILS):
        raise Unavailable("the storage did not answer")


def task(about=None, kind="speak", name="17", attempts=3):
    return Task(kind=kind, name=name, about=about, attempts=attempts)


def rejected(event, reason):
    return [
        DocumentRejected(
            document_id=event.document_id,
            owner_id=event.owner_id,
            code=reason.code,
            details=reason.details,
        )
    ]


class Given:
    """Work that was given up: what was recorded, stored and counted."""

    def __init__(self, database, storage=None):
        self.database = database
        self.storage = storage or MemoryStorage()
        self.metrics = Metrics("synth")

    async def up(self, error, about=EVENT, gave_up=rejected, kind="speak"):
        failures = Failures(
            service="synth", metrics=self.metrics, storage=self.storage, database=self.database
        )
        return list(await failures.given_up(task(about, kind), error, gave_up))

    async def reason(self, event):
        details = await read_details(self.storage, event.details, FailureDetails)
        return details.reason

    @property
    def bugs(self):
        return self.metrics.bugs_total.labels(where="speak")._value.get()


def raised(error):
    """Return an error as one that was raised, here."""
    try:
        raise error
    except type(error) as found:
        return found


def test_all_that_a_payload_says_of_the_work_is_told():
    event = task_failed("synth", task(SpeakJob()), GivenUp("encrypted"))
    assert (event.service, event.kind, event.attempts) == ("synth", "speak", 3)
    assert (event.document_id, event.owner_id) == (UUID(int=1), UUID(int=2))
    assert (event.requested_by, event.page, event.about_stream) == (UUID(int=3), 4, "audio/5")
    assert (event.code, event.details, event.key) == ("encrypted", None, str(UUID(int=1)))


def test_an_event_says_its_stream():
    event = task_failed("ingest", task(EVENT), GivenUp("encrypted"))
    assert (event.document_id, event.owner_id) == (EVENT.document_id, EVENT.owner_id)
    assert (event.about_stream, event.page, event.requested_by) == (EVENT.stream, None, None)


def test_of_what_cannot_be_read_nothing_is_told():
    event = task_failed("ingest", task(None), GivenUp("bug"))
    told = (event.document_id, event.owner_id, event.requested_by, event.about_stream, event.page)
    assert set(told) == {None}
    assert event.key == str(event.task_id)


def test_the_same_task_has_the_same_id():
    why = GivenUp("unavailable")
    first, again = task_failed("s", task(), why), task_failed("s", task(attempts=8), GivenUp("c"))
    assert first.task_id == again.task_id
    assert first.event_id != again.event_id
    others = [
        task_failed("z", task(), why),
        task_failed("s", task(kind="z"), why),
        task_failed("s", task(name="z"), why),
    ]
    assert len({first.task_id, *(other.task_id for other in others)}) == 4


def test_attempts_are_counted_from_one():
    assert task_failed("s", task(attempts=0), GivenUp("c")).attempts == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("encrypted", SAID), "encrypted"),
        (Throttled(SAID), "throttled"),
        (Permanent(SAID), "permanent"),
        (Rejected(SAID, SAID), "error"),
        (Rejected("Encrypted", SAID), "error"),
        (Rejected("encrypted\n", SAID), "error"),
        (Rejected("", SAID), "error"),
        (KeyError(SAID), "bug"),
    ],
)
def test_an_error_has_a_code_that_events_can_hold(error, code):
    assert code_of(error) == code
    assert task_failed("s", task(), GivenUp(code_of(error))).code == code


def test_an_error_was_raised_by_the_last_function_of_ours():
    assert raised_in(raised(KeyError(SAID))) == f"{__name__}.raised"
    with pytest.raises(ValueError, match="UUID") as caught:
        UUID(SAID)  # raised within the standard library
    here = test_an_error_was_raised_by_the_last_function_of_ours.__name__
    assert raised_in(caught.value) == f"{__name__}.{here}"
    assert raised_in(KeyError(SAID)) == ""


async def test_failures_of_one_cause_share_a_fingerprint_whatever_they_say(database):
    given = Given(database)
    [_, one] = await given.up(raised(Rejected("x", "page 3 of 9")))
    [_, other] = await given.up(raised(Rejected("x", SAID)))
    assert one.fingerprint == other.fingerprint
    [_, elsewhere] = await given.up(Rejected("x", SAID))
    assert one.fingerprint != elsewhere.fingerprint


def test_failures_of_different_causes_do_not():
    prints = {
        fingerprint(*cause)
        for cause in [
            ("s", "k", "c", "m.f"),
            ("t", "k", "c", "m.f"),
            ("s", "l", "c", "m.f"),
            ("s", "k", "d", "m.f"),
            ("s", "k", "c", "m.g"),
            ("s", "k", "cm", ".f"),
        ]
    }
    assert len(prints) == 6
    assert all(len(found) == 16 for found in prints)


async def test_what_the_domain_owes_is_recorded_before_our_own_event(database):
    given = Given(database)
    [owed, failure] = await given.up(Rejected("encrypted", "It is protected."))
    assert (owed.code, owed.document_id) == ("encrypted", EVENT.document_id)
    assert isinstance(failure, TaskFailed)
    assert (failure.code, failure.document_id) == ("encrypted", EVENT.document_id)
    assert (failure.attempts, failure.service, given.bugs) == (3, "synth", 0)


async def test_a_reason_is_in_an_object_of_the_document_and_in_no_event(database):
    given = Given(database)
    effects = await given.up(Rejected("encrypted", SAID))
    for event in effects:
        assert event.details is not None
        assert event.details.key.startswith(f"documents/{EVENT.document_id}/failures/")
        assert event.details.media_type == DETAILS
        assert await given.reason(event) == SAID
        assert SAID.encode() not in event.encode()
    assert len(given.storage.objects) == 1
    await given.storage.delete_prefix(f"documents/{EVENT.document_id}/")
    assert given.storage.objects == {}


async def test_of_an_unexpected_error_nothing_is_told_not_even_to_the_owner(database):
    given = Given(database)
    effects = await given.up(KeyError(SAID))
    for event in effects:
        assert event.code == "bug"
        assert await given.reason(event) == UNEXPECTED
        assert SAID.encode() not in event.encode()
    assert SAID.encode() not in b"".join(given.storage.objects.values())


async def test_reasons_are_cut(database):
    given = Given(database)
    [_, failure] = await given.up(Unavailable("x" * 2000))
    assert await given.reason(failure) == "x" * MAX_REASON_CHARACTERS


async def test_two_failures_of_one_document_keep_their_reasons(database):
    given = Given(database)
    [first, _], [second, _] = [await given.up(Rejected("x", said)) for said in ("one", "two")]
    assert [await given.reason(event) for event in (first, second)] == ["one", "two"]


async def test_without_a_storage_the_failure_is_recorded_without_its_reason(database):
    given = Given(database, Down())
    [owed, failure] = await given.up(Rejected("encrypted", SAID))
    assert (owed.code, owed.details) == ("encrypted", None)
    assert (failure.code, failure.details) == ("encrypted", None)


async def test_a_reason_that_cannot_be_written_keeps_nobody_from_learning_of_the_failure(database):
    given = Given(database)
    [owed, failure] = await given.up(Rejected("encrypted", "half a character: \ud83d"))
    assert (owed.details, failure.details, failure.code) == (None, None, "encrypted")
    assert given.bugs == 1


async def test_what_is_about_no_document_has_no_details(database):
    given = Given(database)
    [failure] = await given.up(Rejected("x", SAID), about=Rows(), gave_up=None)
    assert (failure.document_id, failure.details) == (None, None)
    assert given.storage.objects == {}


async def test_of_what_cannot_be_read_only_the_failure_is_known(database):
    given = Given(database)
    [failure] = await given.up(ValueError("unreadable"), about=None)
    assert (failure.document_id, failure.details, given.bugs) == (None, None, 0)


async def test_a_domain_that_cannot_tell_its_failure_is_a_bug(database):
    def broken(event, reason):
        raise KeyError("x")

    given = Given(database)
    [failure] = await given.up(Rejected("x", "y"), gave_up=broken)
    assert (failure.code, given.bugs) == ("x", 1)


async def test_nothing_is_stored_of_a_document_that_is_deleted(database):
    """The sweep may be over: nobody would remove it."""
    given = Given(database)
    async with database.transaction() as connection:
        await apply(connection, [tombstone(str(EVENT.document_id))], None)
    [owed, failure] = await given.up(Rejected("encrypted", SAID))
    assert (owed.code, owed.details) == ("encrypted", None)
    assert (failure.code, failure.details) == ("encrypted", None)
    assert given.storage.objects == {}


async def test_nothing_is_stored_because_a_deletion_was_given_up(database):
    """Others have removed all that is below the document, and this service knows it."""
    given = Given(database)
    deletion = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=uuid4())
    [failure] = await given.up(Rejected("x", SAID), deletion, None, kind=deletion.topic)
    assert (failure.document_id, failure.details) == (deletion.document_id, None)
    assert given.storage.objects == {}


async def test_without_a_database_the_failure_is_told_without_its_reason():
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    given = Given(nowhere)
    [owed, failure] = await given.up(Rejected("encrypted", SAID))
    assert (owed.details, failure.details, given.bugs) == (None, None, 0)
    assert given.storage.objects == {}
    await nowhere.close()
