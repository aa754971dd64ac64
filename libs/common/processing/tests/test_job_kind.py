from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError

from libs.common.contracts.documents import DocumentDeleted
from libs.common.errors import UnknownVersion
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits


class Payload(BaseModel):
    document_id: UUID


PAYLOAD = Payload(document_id=uuid4())
LIMITS = TimeLimits(soft_s=1, hard_s=2)
KIND = JobKind(name="parse", payload=Payload, limits=LIMITS)


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
    kind = JobKind(name="delete", payload=DocumentDeleted, limits=LIMITS)
    event = DocumentDeleted(document_id=uuid4(), owner_id=uuid4(), deleted_by=None)
    assert kind.read(event.encode()).model_dump() == event.model_dump()
    with pytest.raises(UnknownVersion):
        kind.read(event.encode().replace(b'"version":1', b'"version":2'))


def test_a_kind_is_told_from_a_topic():
    with pytest.raises(ValueError, match=r"'a\.b'"):
        JobKind(name="a.b", payload=Payload, limits=LIMITS)


def test_a_kind_owes_nothing_more_unless_it_says_so():
    assert KIND.gave_up(PAYLOAD, GivenUp("never")) == []


async def test_a_route_pairs_a_kind_with_what_does_it():
    async def run(job):
        return []

    route = KIND.done_by(run, slots=4)
    assert (route.kind, route.run, route.slots, route.slots_of_one) == (KIND, run, 4, 4)
    assert KIND.done_by(run, slots=4, slots_of_one=2).slots_of_one == 2


def test_a_kind_without_time_limits_is_refused():
    with pytest.raises(TypeError, match="limits"):
        JobKind(name="parse", payload=Payload)  # type: ignore[call-arg]
