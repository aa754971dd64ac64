import asyncio
from uuid import UUID

import pytest

from libs.common.contracts.details import DETAILS, PageText
from libs.common.contracts.documents import PageSegmented
from libs.common.contracts.speech.utterances import SegmentedPage
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.processing.job_kind import Job
from libs.common.runtime.pool import CpuPool
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from services.segmenter.cutter import Cutter
from services.segmenter.jobs import SegmentJob

DOCUMENT = UUID(int=7)
OWNER = UUID(int=1)
NONCE = "5e" * 16
KEY = f"documents/{DOCUMENT}/pages/00003.r0.json"
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
    page = PageText(nonce=NONCE, markdown=markdown, title="At the sea")
    text = await storage.write(KEY, page.encode(), DETAILS)
    payload = SegmentJob(
        document_id=DOCUMENT,
        owner_id=OWNER,
        page=3,
        revision=revision,
        text=text,
        language=language,
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
    assert cut.segmented_page.key == f"documents/{DOCUMENT}/segments/00003.r2.json"
    assert (cut.segmented_page.media_type, cut.owner_id) == (DETAILS, OWNER)
    page = await read_details(storage, cut.segmented_page, SegmentedPage)
    assert (page.nonce, page.title) == (NONCE, "At the sea")
    assert [utterance.text for utterance in page.utterances] == [
        "Harbors",
        "The ferry leaves at 7.",
        "It is never late.",
    ]
    assert (cut.utterance_count, cut.characters) == (3, page.characters)
    assert cut.characters == sum(len(utterance.text) for utterance in page.utterances)
    assert not any(word in cut.encode() for word in (b"sea", b"arbors", b"late"))


@pytest.mark.slow
async def test_a_page_that_is_cut_again_is_the_same(storage, pool):
    cutter = Cutter(storage, pool, 600)
    first = await segmented(cutter, await wanted(storage))
    second = await segmented(cutter, await wanted(storage))
    assert first.segmented_page == second.segmented_page


@pytest.mark.slow
async def test_a_page_of_no_known_language_is_told_to_be_of_none(storage, pool):
    cut = await segmented(Cutter(storage, pool, 600), await wanted(storage, "Hm.", "Ida Berg"))
    assert (cut.language, cut.utterance_count) == ("und", 1)


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
