from uuid import uuid4

from libs.common.processing.erasing import ERASE, ERASE_AGAIN_AFTER_MS, EraseJob, Eraser, erase
from libs.common.processing.job_kind import Job
from libs.common.storage.memory import MemoryStorage
from libs.common.store.jobs import CancelJobs, NewJob

PAYLOAD = EraseJob(document_id=uuid4(), prefix="documents/1/")


def effects() -> tuple[CancelJobs, list[NewJob]]:
    stopped, *sweeps = erase("document/1", PAYLOAD)
    assert isinstance(stopped, CancelJobs)
    return stopped, [sweep for sweep in sweeps if isinstance(sweep, NewJob)]


def test_work_is_stopped_and_objects_are_removed_twice():
    stopped, sweeps = effects()
    assert stopped == CancelJobs("document/1")
    assert [(sweep.kind, sweep.payload) for sweep in sweeps] == [(ERASE.name, PAYLOAD)] * 2
    assert [sweep.delay_ms for sweep in sweeps] == [0, ERASE_AGAIN_AFTER_MS]


def test_stopping_the_work_again_stops_no_sweep():
    """A job is cancelled by its subject or one below it."""
    stopped, sweeps = effects()
    for sweep in sweeps:
        assert sweep.subject != stopped.subject
        assert not sweep.subject.startswith(f"{stopped.subject}/")


async def test_only_what_is_below_the_prefix_is_removed():
    storage = MemoryStorage()
    for key in ("documents/1/a", "documents/1/b/c", "documents/10/a"):
        await storage.write(key, b"content")

    async def record(effects):
        raise AssertionError("nothing to record")

    job = Job(id=1, payload=PAYLOAD, attempt=1, record=record)
    assert await Eraser(storage).erase(job) == []
    assert [key async for key in storage.keys("documents/")] == ["documents/10/a"]
