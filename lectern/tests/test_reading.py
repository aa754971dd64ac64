import asyncio
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from lectern import reading
from lectern.display import Silent
from lectern.exits import Exit, Failed, classify
from lectern.reading import LOCAL_OWNER, Reading, ReadRequest
from libs.common.contracts.pages import page_ranges
from libs.common.runtime.pool import CpuPool
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.queries import NarrationQueries

SERVICE_ONLY = {
    "sqlalchemy",
    "faststream",
    "aiokafka",
    "fastapi",
    "uvicorn",
    "boto3",
    "opentelemetry",
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def wanted(source: Path | str, output: Path | None = None, **order) -> ReadRequest:
    fields = {"pages": None, "engine": None, "voice": None, "rate": 1.0}
    made = NarrationOptions(**(fields | {"format": "m4a", "audiobook": "m4b"} | order))
    return ReadRequest(source=str(source), output=output or Path(f"{source}.m4b"), options=made)


async def refused(lectern, order: ReadRequest) -> Failed:
    """Read what cannot be read, and return what somebody at a terminal is told."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - classify judges it
        await Reading(lectern, order, Silent()).run()
    told = classify(raised.value)
    assert told is not None
    return told


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"# Page\n\nThe only sentence of page {uuid4()}.\n\n# Next\n\nAnother.\n")
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.md", b"", "empty"),
        ("blank.txt", b" \n\n ", ""),
        ("garbage.pdf", b"%PDF-1.7\n" + os.urandom(3000), ""),
        ("noise.bin", bytes(range(256)) * 40, ""),
        ("broken.epub", b"PK\x03\x04" + os.urandom(500), ""),
    ],
)
async def test_documents_that_say_nothing_are_refused_in_a_sentence(
    lectern, tmp_path, monkeypatch, name, content, words
):
    monkeypatch.setattr(reading, "LOOK_SHARE", 1e-9)  # looks twice, and then when all is over
    path = tmp_path / name
    path.write_bytes(content)
    told = await refused(lectern, wanted(path))
    assert told.code == Exit.BAD_DOCUMENT
    assert words in str(told).lower()
    assert len(str(told).splitlines()) == 1


async def test_a_document_is_to_blame_though_it_is_refused_while_it_is_looked_at(
    lectern, tmp_path, monkeypatch
):
    monkeypatch.setattr(reading, "LOOK_SHARE", 1e-9)
    look = NarrationQueries.narration

    async def when_it_has_ended(self, caller, narration_id):
        async with asyncio.timeout(60):
            while (found := await look(self, caller, narration_id)).state != "failed":
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(NarrationQueries, "narration", when_it_has_ended)
    path = tmp_path / "noise.bin"
    path.write_bytes(bytes(range(256)) * 40)
    assert (await refused(lectern, wanted(path))).code == Exit.BAD_DOCUMENT


async def test_the_same_order_finds_its_earlier_self_and_another_does_not(lectern, page):
    first = await Reading(lectern, wanted(page), Silent()).run()
    again = await Reading(lectern, wanted(page), Silent()).run()
    other = await Reading(lectern, wanted(page, rate=1.5), Silent()).run()
    assert (first.resumed, again.resumed) == (False, True)
    assert first.document_id == again.document_id == other.document_id
    assert other.duration_ms < first.duration_ms == again.duration_ms
    renamed = page.rename(page.with_name("renamed.md"))
    assert (await Reading(lectern, wanted(renamed), Silent()).run()).resumed is False


async def test_who_guesses_a_file_does_not_know_its_id(lectern, page):
    """All else that an id is made of can be guessed: only the secret of the data folder cannot."""
    here = await Reading(lectern, wanted(page), Silent()).run()
    other = replace(lectern, data_folder_secret=bytes(32))
    there = await Reading(other, wanted(page), Silent()).run()
    assert (here.resumed, there.resumed) == (False, False)
    assert here.document_id != there.document_id
    assert (await Reading(lectern, wanted(page), Silent()).run()).document_id == here.document_id


async def test_a_document_that_was_deleted_is_read_as_a_new_one(lectern, page):
    first = await Reading(lectern, wanted(page), Silent()).run()
    kernel = lectern.gateway.kernel
    await DocumentCommands(kernel).delete(LOCAL_OWNER, UUID(first.document_id))
    again = await Reading(lectern, wanted(page), Silent()).run()
    assert (again.resumed, again.pages) == (False, first.pages)
    assert again.document_id != first.document_id
    shown = await DocumentQueries(kernel.database).document(LOCAL_OWNER, UUID(again.document_id))
    assert shown.source_name == page.name


async def test_the_first_audio_is_told_by_its_event_however_late_one_looks(
    lectern, page, monkeypatch
):
    monkeypatch.setattr(reading, "LOOK_SHARE", 1e-9)  # looks twice, and then when all is over
    found = await Reading(lectern, wanted(page), Silent()).run()
    database, document_id = lectern.gateway.kernel.database, UUID(found.document_id)
    queries = NarrationQueries(database, lectern.gateway.kernel.limits)
    narrations = await queries.narrations(LOCAL_OWNER, document_id)
    document = await DocumentQueries(database).document(LOCAL_OWNER, document_id)
    first_ready_at = narrations.items[0].first_ready_at
    assert first_ready_at is not None
    submitted, ready = map(datetime.fromisoformat, (document.submitted_at, first_ready_at))
    waited = (ready - submitted).total_seconds()
    assert found.first_audio_seconds is not None
    assert waited - 0.01 <= found.first_audio_seconds <= found.seconds
    assert found.first_audio_seconds - waited < (found.seconds - waited) / 2


async def test_workers_load_what_their_work_needs_and_nothing_of_the_service(lectern, page):
    await Reading(lectern, wanted(page), Silent()).run()
    loaded: dict[str, set[str]] = {}
    for name, service in lectern.services.items():
        for pool in (
            resource for resource in service.parts.resources if isinstance(resource, CpuPool)
        ):
            modules = await pool.run(eval, "{*__import__('sys').modules}")
            loaded[name] = modules & SERVICE_ONLY
    assert loaded == {"segmenter": set(), "synth": set()}


async def test_some_pages_only(lectern, page):
    both = await Reading(lectern, wanted(page), Silent()).run()
    second = await Reading(lectern, wanted(page, pages=page_ranges([2])), Silent()).run()
    assert (both.pages, second.pages) == (2, 1)
    told = await refused(lectern, wanted(page, pages=page_ranges([7])))
    assert told.code == Exit.BAD_DOCUMENT
    assert "there is no page 7" in str(told)


async def test_a_voice_that_nobody_has_leaves_the_document_as_it_was(lectern, page):
    told = await refused(lectern, wanted(page, voice="nobody"))
    assert (told.code, "nobody" in str(told)) == (Exit.BAD_DOCUMENT, True)
    assert (await Reading(lectern, wanted(page), Silent()).run()).pages == 2
