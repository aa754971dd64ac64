from uuid import UUID, uuid4

from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.erasing import (
    ERASE,
    EraseJob,
    Eraser,
    erase,
    erase_document,
    erase_objects,
)
from libs.common.processing.failures import GivenUp
from libs.common.processing.job_kind import Job
from libs.common.storage.memory import MemoryStorage
from libs.common.store.jobs.cancelling import CancelJobs
from libs.common.store.jobs.new_job import NewJob
from libs.common.store.tombstones import tombstone

DOCUMENT = UUID(int=1)
OWNER = UUID(int=2)
DELETED = DocumentDeleted(document_id=DOCUMENT, owner_id=OWNER, deleted_by=OWNER)
PAYLOAD = EraseJob(document_id=uuid4(), owner_id=OWNER, prefix="documents/1/")


async def run(storage, payload, sweep_after_s=600.0):
    async def record(effects):
        raise AssertionError("nothing to record")

    job = Job(id=1, payload=payload, attempt=1, record=record)
    return await Eraser(storage, sweep_after_s).erase(job)


def test_work_is_stopped_for_ever_and_objects_are_removed():
    stopped, buried, job = erase("document/1", PAYLOAD)
    assert buried == tombstone("document/1")
    assert stopped == CancelJobs("document/1")
    assert isinstance(job, NewJob)
    assert (job.kind, job.payload, job.delay_ms) == (ERASE.name, PAYLOAD, 0)
    assert job.owner == str(OWNER)


def test_a_document_is_removed_wherever_this_service_stored_something():
    """Also where it stored why work was given up, which every service may have."""
    stopped, *removed = erase_document(DELETED, f"audio/{DOCUMENT}/")
    assert stopped == CancelJobs(str(DOCUMENT))
    assert removed == list(erase_objects(DELETED, f"audio/{DOCUMENT}/"))
    buried, *jobs = removed
    assert buried == tombstone(str(DOCUMENT))
    found = [job.payload for job in jobs if isinstance(job, NewJob)]
    assert found == [
        EraseJob(document_id=DOCUMENT, owner_id=OWNER, prefix=f"documents/{DOCUMENT}/"),
        EraseJob(document_id=DOCUMENT, owner_id=OWNER, prefix=f"audio/{DOCUMENT}/"),
    ]


def test_stopping_the_work_again_stops_no_erasure():
    """A job is cancelled by its subject or one below it."""
    *_, job = erase("document/1", PAYLOAD)
    assert isinstance(job, NewJob)
    assert not job.subject.startswith("document/1")


def test_an_erasure_that_was_given_up_is_not_the_last():
    [again] = ERASE.gave_up(PAYLOAD, GivenUp("unavailable"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.payload) == (ERASE.name, PAYLOAD)
    assert again.delay_ms > 0


async def test_only_what_is_below_the_prefix_is_removed_and_once_more_later():
    storage = MemoryStorage()
    for key in ("documents/1/a", "documents/1/b/c", "documents/10/a"):
        await storage.write(key, b"content")
    [sweep] = await run(storage, PAYLOAD, sweep_after_s=2.5)
    assert [key async for key in storage.keys("documents/")] == ["documents/10/a"]
    assert isinstance(sweep, NewJob)
    assert (sweep.kind, sweep.delay_ms) == (ERASE.name, 2500)
    assert not sweep.subject.startswith(str(PAYLOAD.document_id))

    await storage.write("documents/1/late", b"content")
    assert await run(storage, sweep.payload) == []
    assert [key async for key in storage.keys("documents/")] == ["documents/10/a"]
