from uuid import uuid4

import pytest

from libs.common.contracts.documents import DocumentDeleted, DocumentRejected
from libs.common.errors import Permanent, Rejected, Throttled, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.failures import (
    MAX_REASON_CHARACTERS,
    UNEXPECTED,
    Failures,
    fingerprint,
    task_failed,
)


def failed(error, **changed):
    given = {
        "service": "synth",
        "kind": "speak",
        "task": "17",
        "error": error,
        "attempts": 3,
        "document_id": None,
    }
    return task_failed(**{**given, **changed})


def test_an_error_of_ours_is_told_in_its_words():
    document = uuid4()
    event = failed(Rejected("encrypted", "It is protected."), document_id=document, page=4)
    assert (event.code, event.reason) == ("encrypted", "It is protected.")
    assert (event.service, event.kind, event.attempts) == ("synth", "speak", 3)
    assert (event.document_id, event.page, event.key) == (document, 4, str(document))


def test_a_bug_is_told_by_its_type_only():
    event = failed(KeyError("the text of a document"))
    assert (event.code, event.reason) == ("bug", "unexpected KeyError")
    assert b"text of a document" not in event.encode()


def test_the_same_task_has_the_same_id():
    first, again = failed(Unavailable("x")), failed(Throttled("y"), attempts=8)
    assert first.task_id == again.task_id
    assert first.event_id != again.event_id
    others = [failed(Unavailable("x"), **{name: "z"}) for name in ("service", "kind", "task")]
    assert len({first.task_id, *(other.task_id for other in others)}) == 4


def test_reasons_are_cut_and_attempts_counted_from_one():
    event = failed(Unavailable("x" * 2000), attempts=0)
    assert len(event.reason) == MAX_REASON_CHARACTERS
    assert event.attempts == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nothing is stored under 'a/1'", "nothing is stored under 'b/2'"),
        ("page 3 of 9", "page 12 of 40"),
        ("document 0f8b2c44d1 is gone", "document aa31bc99ef is gone"),
        ("Too Slow", "too slow"),
    ],
)
def test_failures_of_one_cause_share_a_fingerprint(one, other):
    assert fingerprint("s", "k", "c", one) == fingerprint("s", "k", "c", other)


def test_failures_of_different_causes_do_not():
    prints = {
        fingerprint(*cause)
        for cause in [
            ("s", "k", "c", "reason"),
            ("t", "k", "c", "reason"),
            ("s", "l", "c", "reason"),
            ("s", "k", "d", "reason"),
            ("s", "k", "c", "another"),
        ]
    }
    assert len(prints) == 5
    assert all(len(found) == 16 for found in prints)


EVENT = DocumentDeleted(document_id=uuid4(), deleted_by=uuid4())


def rejected(event, error):
    return [DocumentRejected(document_id=event.document_id, code=error.code, reason=str(error))]


def given_up(error, about=EVENT, gave_up=rejected):
    metrics = Metrics("synth")
    effects = Failures("synth", metrics).given_up(
        kind="speak", task="17", about=about, error=error, attempts=3, gave_up=gave_up
    )
    return effects, metrics.bugs_total.labels(where="speak")._value.get()


def test_what_the_domain_owes_is_recorded_before_our_own_event():
    [owed, failure], bugs = given_up(Rejected("encrypted", "It is protected."))
    assert (owed.code, owed.document_id) == ("encrypted", EVENT.document_id)
    assert (failure.code, failure.document_id, failure.attempts) == (
        "encrypted",
        EVENT.document_id,
        3,
    )
    assert bugs == 0


def test_the_domain_is_told_nothing_of_an_unexpected_error():
    [owed, failure], _ = given_up(KeyError("the text of a document"))
    assert (owed.code, owed.reason) == (Permanent.code, UNEXPECTED)
    assert failure.code == "bug"


def test_of_what_cannot_be_read_only_the_failure_is_known():
    [failure], bugs = given_up(ValueError("unreadable"), about=None)
    assert (failure.document_id, bugs) == (None, 0)


@pytest.mark.slow
def test_a_domain_that_cannot_tell_its_failure_is_a_bug():
    def broken(event, error):
        raise KeyError("x")

    [failure], bugs = given_up(Rejected("x", "y"), gave_up=broken)
    assert (failure.code, bugs) == ("x", 1)
