import asyncio
from uuid import UUID

import pytest

from libs.common.contracts.documents import PageSegmented
from libs.common.contracts.utterances import SegmentedPage
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.memory import MemoryStorage
from services.segmenter.cutter import Cutter
from services.segmenter.jobs import SegmentJob

DOCUMENT = UUID(int=7)
KEY = f"documents/{DOCUMENT}/pages/00003.r0.md"
PAGE = "# Harbors\n\nThe ferry leaves at 7. It is *never* late.\n\n![](a.png)\n"


@pytest.fixture(scope="module")
def pool():
    pool = CpuPool(1)
    yield pool
    asyncio.run(pool.close())


@pytest.fixture
def storage():
    return MemoryStorage()


async def wanted(storage, markdown=PAGE, language="en", revision=0):
    text = await storage.write(KEY, markdown.encode(), "text/markdown")
    payload = SegmentJob(
        document_id=DOCUMENT, page=3, revision=revision, text=text, language=language
    )
    return job(payload)


def job(payload):
    async def record(effects):
        raise AssertionError("a page is cut in one go")

    return Job(id=1, payload=payload, attempt=1, record=record)


async def segmented(cutter, wanted):
    [event] = await cutter.segment(wanted)
    assert isinstance(event, PageSegmented)
    return event


@pytest.mark.slow
async def test_a_page_is_cut_and_stored(storage, pool):
    cut = await segmented(Cutter(storage, pool, 600), await wanted(storage, revision=2))
    assert (cut.document_id, cut.page, cut.revision, cut.language) == (DOCUMENT, 3, 2, "en")
    assert cut.segments.key == f"documents/{DOCUMENT}/segments/00003.r2.json"
    assert cut.segments.media_type == "application/json"
    page = SegmentedPage.model_validate_json(storage.objects[cut.segments.key])
    assert [utterance.text for utterance in page.utterances] == [
        "Harbors",
        "The ferry leaves at 7.",
        "It is never late.",
    ]
    assert (cut.utterances, cut.characters) == (3, page.characters)
    assert cut.characters == sum(len(utterance.text) for utterance in page.utterances)


@pytest.mark.slow
async def test_a_page_that_is_cut_again_is_the_same(storage, pool):
    cutter = Cutter(storage, pool, 600)
    first = await segmented(cutter, await wanted(storage))
    second = await segmented(cutter, await wanted(storage))
    assert first.segments == second.segments


async def test_a_page_that_is_not_what_was_announced_is_refused(storage, pool):
    cutter = Cutter(storage, pool, 600)
    broken = await wanted(storage)
    storage.objects[KEY] = storage.objects[KEY].replace(b"7", b"8")
    with pytest.raises(ObjectCorrupt):
        await cutter.segment(broken)
    await storage.delete(KEY)
    with pytest.raises(ObjectNotFound):
        await cutter.segment(broken)
    assert storage.objects == {}
