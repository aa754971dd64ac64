import asyncio
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.audio import AudioReady, Rendition
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import AudiobookContents, AudiobookPage, Chapter, new_nonce
from libs.common.errors import ObjectCorrupt, ObjectNotFound, Permanent
from libs.common.processing.job_kind import Job
from libs.common.store.event_store import append
from libs.common.store.history import History
from services.synth.audio.assembly import assemble_page
from services.synth.audio.book_contents import BookChapter
from services.synth.audio.containers.tags import Tags
from services.synth.audio.produce import produce
from services.synth.audio.segment_queue import write_segments
from services.synth.audio.tests.signals import speech_like
from services.synth.binding import Binder, chapters_of, tags_of
from services.synth.tests.scripts import (
    OWNER,
    READER,
    SAID,
    book_contents,
    book_requested,
    reference,
    utterances,
)

DOCUMENT = UUID(int=7)


def chapter(first_page, title=""):
    return Chapter(title=title or f"from {first_page}", first_page=first_page, level=1)


def placed(pages, *firsts):
    contents = book_contents(pages, chapters=tuple(map(chapter, firsts)))
    placed = chapters_of(contents)
    return [(chapter.title.removeprefix("from "), chapter.first) for chapter in placed]


@pytest.mark.parametrize(
    ("pages", "firsts", "found"),
    [
        ((1, 2, 3), (), []),
        ((1, 2, 3, 4), (1, 3), [("1", 0), ("3", 2)]),
        ((2, 3, 4), (1, 3), [("1", 0), ("3", 1)]),  # its first page is left out
        ((3, 4), (1, 3), [("3", 0)]),  # all of it is left out
        ((1, 2), (1, 3), [("1", 0)]),  # the last is left out
        ((1, 2, 5, 6), (1, 3, 5), [("1", 0), ("5", 2)]),  # one in the middle is left out
        ((1, 4), (1, 3), [("1", 0), ("3", 1)]),
        ((4,), (1, 3), [("3", 0)]),
        ((1, 2), (1, 1, 2), [("1", 0), ("1", 0), ("2", 1)]),  # two on a page stay two
        ((2,), (1, 1, 3), [("1", 0), ("1", 0)]),
        ((3, 4), (3,), [("3", 0)]),
        ((3, 1, 2), (3, 1, 9), [("3", 0), ("1", 1)]),  # in another order, where they say
    ],
)
def test_chapters_begin_with_the_first_page_of_theirs_that_is_in(pages, firsts, found):
    assert placed(pages, *firsts) == found


def naively_placed(contents):
    """Go through the document page by page, and note the first of each chapter that is in."""
    index_of = {page.page: index for index, page in enumerate(contents.pages)}
    beginnings = {chapter.first_page for chapter in contents.chapters}
    placed: dict[int | None, int] = {}
    current = None
    for number in range(1, max(index_of) + 1):
        current = number if number in beginnings else current
        if number in index_of:
            placed.setdefault(current, index_of[number])
    return [
        BookChapter(chapter.title, placed[chapter.first_page])
        for chapter in contents.chapters
        if chapter.first_page in placed
    ]


@pytest.mark.slow
@given(pages=st.sets(st.integers(1, 60), min_size=1), firsts=st.lists(st.integers(1, 60)))
def test_chapters_are_placed_as_they_are_defined(pages, firsts):
    contents = book_contents(sorted(pages), chapters=tuple(map(chapter, firsts)))
    assert chapters_of(contents) == naively_placed(contents)


@pytest.mark.slow
def test_two_thousand_chapters_are_placed_on_twenty_thousand_pages():
    chosen = Random(7)
    pages = sorted(chosen.sample(range(1, 30_001), 20_000))
    firsts = sorted(chosen.choices(range(1, 30_001), k=2_000))
    contents = book_contents(pages, chapters=tuple(map(chapter, firsts)))
    assert chapters_of(contents) == naively_placed(contents)


def test_a_book_is_tagged_with_what_was_asked_for():
    contents = book_contents((1,), author="Ida", language="de")
    assert tags_of(contents) == Tags(
        title="The Book", author="Ida", album="The Book", language="de", nonce=contents.nonce
    )
    assert tags_of(book_contents((1,))).author == ""


@pytest.fixture
def binder(storage, database, pool):
    return Binder(storage, History(database), pool)


@pytest.fixture
def page_audio(tmp_path, storage, database):
    """Speak a page: store its file and append its event."""

    async def page_audio(number, page_format="m4a", codec="aac"):
        made = produce(speech_like(0.5), 24_000, (), 0.0, [codec]).encoded
        write_segments(tmp_path / "segments", [made[codec]])
        assembled = assemble_page(
            tmp_path,
            utterances("Hello."),
            {page_format: tmp_path / "segments"},
            Tags(title="Page", nonce=new_nonce()),
        )
        audio = uuid4()
        prefix = f"audio/{DOCUMENT}/{audio}"
        name = f"page.{page_format}"
        stored = await storage.write_file(f"{prefix}/{name}", tmp_path / name, "audio/mp4")
        ready = AudioReady(
            document_id=DOCUMENT,
            owner_id=OWNER,
            requested_by=READER,
            audio_id=audio,
            page=number,
            engine="espeak",
            voice="en-us",
            renditions=(Rendition(format=page_format, object=stored),),
            timings=reference(),
            captions=reference(),
            duration_ms=assembled.duration_ms,
            characters_asked=6,
            characters_spoken=6,
            loudness_lufs=assembled.loudness_lufs,
            revision=0,
            rate=1.0,
            segments_cached=0,
            characters_cached=0,
        )
        async with database.transaction() as connection:
            await append(connection, [ready])
        return ready

    return page_audio


def job(asked):
    async def record(effects):
        raise AssertionError("a book is made in one go")

    return Job(id=1, payload=asked, attempt=1, record=record)


def contents_of(pages, **more):
    spoken = tuple(AudiobookPage(page=page.page, audio_id=page.audio_id) for page in pages)
    return AudiobookContents(**{**SAID, "pages": spoken, **more})


@pytest.fixture
def book_of(storage):
    """Ask for a book of pages; ``said`` is what its contents say besides."""

    async def book_of(pages, page_format="m4b", **said):
        contents = contents_of(pages, **said)
        return await book_requested(storage, contents, document_id=DOCUMENT, format=page_format)

    return book_of


@pytest.mark.slow
async def test_pages_become_a_book(binder, page_audio, storage, book_of):
    pages = [await page_audio(number) for number in (1, 2, 4)]
    asked = await book_of(pages, chapters=(chapter(1, "Beginning"), chapter(3, "End")))
    [ready] = await binder.bind(job(asked))
    assert ready.object.key == f"audio/{DOCUMENT}/books/{asked.audiobook_id}.m4b"
    book = storage.objects[ready.object.key]
    assert book[4:8] == b"ftyp"
    assert all(said in book for said in (b"The Book", b"Beginning", b"End"))
    assert (ready.audiobook_id, ready.narration_id) == (asked.audiobook_id, asked.narration_id)
    assert (ready.owner_id, ready.requested_by) == (OWNER, READER)
    assert (ready.format, ready.details) == ("m4b", asked.details)
    assert not any(said in ready.encode() for said in (b"The Book", b"Beginning", b"End"))
    assert (ready.chapter_count, ready.object.media_type) == (2, "audio/mp4")
    assert ready.duration_ms == pytest.approx(sum(page.duration_ms for page in pages), abs=150)


async def test_the_pages_come_in_the_order_that_was_asked_for(binder, page_audio, storage):
    first, second = await page_audio(1), await page_audio(2)
    one = await binder._page_audios(contents_of([first, second]))
    other = await binder._page_audios(contents_of([second, first]))
    assert ([page.page for page in one], [page.page for page in other]) == ([1, 2], [2, 1])


@pytest.mark.slow
async def test_pages_are_fetched_several_at_a_time(
    binder, page_audio, storage, book_of, monkeypatch
):
    together, fetch = asyncio.Barrier(2), storage.fetch

    async def fetch_beside_another(key, path):
        async with asyncio.timeout(10):
            await together.wait()
        await fetch(key, path)

    monkeypatch.setattr(storage, "fetch", fetch_beside_another)
    pages = [await page_audio(number) for number in range(1, 21)]
    [book] = await binder.bind(job(await book_of(pages)))
    assert book.duration_ms == pytest.approx(sum(page.duration_ms for page in pages), rel=0.1)


async def test_a_book_in_another_format_is_made_of_pages_in_that_format(
    binder, page_audio, book_of
):
    pages = [await page_audio(1, "opus", "opus")]
    [ready] = await binder.bind(job(await book_of(pages, "opus")))
    assert (ready.format, ready.object.media_type) == ("opus", "audio/ogg; codecs=opus")


async def test_a_page_that_was_never_spoken_fails_the_book(binder, page_audio, book_of):
    spoken = await page_audio(1)
    never = [spoken.model_copy(update={"audio_id": uuid4(), "page": page}) for page in (2, 3)]
    asked = await book_of([spoken, *never])
    with pytest.raises(Permanent, match="2 of the pages"):
        await binder.bind(job(asked))


async def test_a_page_in_another_format_fails_the_book(binder, page_audio, book_of):
    asked = await book_of([await page_audio(3)], "mp3")
    with pytest.raises(Permanent, match="page 3 was not made as mp3"):
        await binder.bind(job(asked))


async def test_a_page_whose_file_is_gone_fails_the_book(binder, page_audio, storage, book_of):
    page = await page_audio(1)
    await storage.delete(page.renditions[0].object.key)
    with pytest.raises(ObjectNotFound):
        await binder.bind(job(await book_of([page])))


async def test_a_damaged_cover_is_not_put_into_a_book(binder, page_audio, storage, book_of):
    cover: ObjectRef = await storage.write(f"documents/{DOCUMENT}/cover", b"a picture", "image/png")
    storage.objects[cover.key] = b"a pirture"
    with pytest.raises(ObjectCorrupt):
        await binder.bind(job(await book_of([await page_audio(1)], cover=cover)))


async def test_contents_that_are_gone_or_damaged_fail_the_book(
    binder, page_audio, storage, book_of
):
    asked = await book_of([await page_audio(1)])
    storage.objects[asked.details.key] += b" "
    with pytest.raises(ObjectCorrupt):
        await binder.bind(job(asked))
    await storage.delete(asked.details.key)
    with pytest.raises(ObjectNotFound):
        await binder.bind(job(asked))
