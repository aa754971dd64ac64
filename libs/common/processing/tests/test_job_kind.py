from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError

from libs.common.contracts.documents import DocumentDeleted
from libs.common.errors import UnknownVersion
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind


class Payload(BaseModel):
    document_id: UUID


PAYLOAD = Payload(document_id=uuid4())
KIND = JobKind("parse", Payload)


def test_a_new_job_is_of_its_kind():
    job = KIND.new(PAYLOAD, subject="document/1", owner="ada", max_attempts=3, delay_ms=5)
    assert (job.kind, job.payload, job.subject, job.owner) == (
        "parse",
        PAYLOAD,
        "document/1",
        "ada",
    )
    assert (job.max_attempts, job.delay_ms) == (3, 5)


def test_a_payload_is_read_as_it_was_recorded():
    assert KIND.read(PAYLOAD.model_dump_json().encode()) == PAYLOAD


def test_a_payload_of_another_release_is_refused():
    with pytest.raises(ValidationError):
        KIND.read(b'{"of": "another release"}')


def test_a_payload_that_is_an_event_says_its_version():
    """Replicas of two releases share a table of jobs: the older one leaves it to the newer."""
    kind = JobKind("delete", DocumentDeleted)
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=None)
    assert kind.read(event.encode()).model_dump() == event.model_dump()
    with pytest.raises(UnknownVersion):
        kind.read(event.encode().replace(b'"version":1', b'"version":2'))


def test_a_kind_is_told_from_a_topic():
    with pytest.raises(ValueError, match=r"'a\.b'"):
        JobKind("a.b", Payload)


def test_a_kind_owes_nothing_more_unless_it_says_so():
    assert KIND.gave_up(PAYLOAD, GivenUp("never")) == []


async def test_a_route_pairs_a_kind_with_what_does_it():
    async def run(job):
        return []

    route = KIND.done_by(run, slots=4)
    assert (route.kind, route.run, route.slots) == (KIND, run, 4)
