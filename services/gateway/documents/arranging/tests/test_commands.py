import asyncio
from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.details import Chapter
from libs.common.contracts.documents import DocumentReordered, PageAdded
from libs.common.contracts.pages import MAX_RANGES, PageRange, page_runs
from libs.common.errors import Rejected
from services.gateway.documents.arranging.commands import ArrangingCommands
from services.gateway.kernel.errors import NotFound, NotReady, Stale
from services.gateway.narrations.options import NarrationOptions

BOOK = NarrationOptions(audiobook="m4b")


@pytest.fixture
def world(either_world):
    return either_world


@pytest.fixture
def arranging(world):
    return ArrangingCommands(world.kernel)


@pytest.fixture
async def document(world):
    """Three pages."""
    document = await world.hand_in()
    await world.read(document, 3)
    return document


async def order_of(world, document):
    found = await world.document_queries.pages(world.owner, document, 100)
    return [page.page for page in found.items]


async def test_a_page_is_added_behind_the_last_one(world, arranging, document):
    assert await arranging.add_page(world.owner, document, "More") == 4
    (added,) = await world.decided(PageAdded)
    assert b"More" not in added.encode()
    view = await world.document_queries.page(world.owner, document, 4)
    assert (view.state, view.revision, view.position) == ("read", 0, 4)
    assert (await world.document_queries.document(world.owner, document)).pages_total == 4
    await world.cut(document, 4)
    await world.documents.edit_page(world.owner, document, 4, "Other", 0)
    assert not await world.decided(DocumentReordered)


async def test_a_page_is_added_where_it_belongs(world, arranging, document):
    assert await arranging.add_page(world.owner, document, "More", 2) == 4
    assert await arranging.add_page(world.owner, document, "Last", 9) == 5
    assert await order_of(world, document) == [1, 4, 2, 3, 5]


async def test_pages_that_are_added_at_once_get_numbers_of_their_own(world, arranging, document):
    added = (arranging.add_page(world.owner, document, f"Page {n}", 1) for n in range(4))
    assert sorted(await asyncio.gather(*added)) == [4, 5, 6, 7]
    assert sorted(await order_of(world, document)) == list(range(1, 8))


async def test_what_was_not_read_gets_no_page(world, arranging):
    document = await world.hand_in()
    with pytest.raises(NotReady, match="still being read"):
        await arranging.add_page(world.owner, document, "More")
    await world.reject(document)
    with pytest.raises(NotReady, match="could not be read"):
        await arranging.add_page(world.owner, document, "More")
    with pytest.raises(NotFound):
        await arranging.add_page(uuid4(), document, "More")


async def test_pages_are_put_in_another_order(world, arranging, document):
    await arranging.reorder(world.owner, document, page_runs((3, 1, 2)), 0)
    assert await order_of(world, document) == [3, 1, 2]
    first = await world.document_queries.pages(world.owner, document, 2)
    rest = await world.document_queries.pages(world.owner, document, 2, int(first.following))
    assert [page.page for page in (*first.items, *rest.items)] == [3, 1, 2]
    assert rest.following is None
    with pytest.raises(Stale):
        await arranging.reorder(world.owner, document, page_runs((1, 2, 3)), 0)


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        ((1, 2), "page 3 is not named"),
        ((2, 3), "page 1 is not named"),
        ((1, 3), "page 2 is not named"),
        ((1, 2, 3, 4), "no page 4"),
        ((1, 2, 3, 2), "page 2 is named twice"),
    ],
)
async def test_an_order_names_each_page_once(world, arranging, document, order, wrong):
    with pytest.raises(Rejected, match=wrong):
        await arranging.reorder(world.owner, document, page_runs(order), 0)
    assert await order_of(world, document) == [1, 2, 3]


async def test_an_order_has_no_more_runs_than_an_event(world, arranging):
    document = await world.hand_in()
    pages = 2 * MAX_RANGES + 2
    await world.parse(document, pages)
    odd, even = range(1, pages + 1, 2), range(2, pages + 1, 2)
    with pytest.raises(Rejected, match="runs of pages"):
        await arranging.reorder(world.owner, document, page_runs((*odd, *even)), 0)


async def test_an_audiobook_follows_the_order_and_so_do_its_chapters(world, arranging):
    document = await world.hand_in()
    for page in (1, 2, 3):
        await world.extract(document, page)
        await world.cut(document, page)
    chapters = [
        Chapter(title=title, first_page=page, level=1) for page, title in ((1, "A"), (3, "B"))
    ]
    await world.parse(document, 3, chapters=chapters)
    await arranging.reorder(world.owner, document, page_runs((3, 1, 2)), 0)
    await world.narrations.narrate(world.owner, document, BOOK)
    await world.speak_everything()
    (asked,) = await world.decided(AudiobookRequested)
    contents = await world.contents(asked)
    assert [page.page for page in contents.pages] == [3, 1, 2]
    assert [(one.first_page, one.title) for one in contents.chapters] == [(3, "B"), (1, "A")]


async def test_the_same_order_of_a_document_that_changed_is_another_one(world, arranging, document):
    first = await world.narrations.narrate(world.owner, document, BOOK)
    await world.speak_everything()
    assert await world.narrations.narrate(world.owner, document, BOOK) == first
    await arranging.reorder(world.owner, document, page_runs((2, 1, 3)), 0)
    second = await world.narrations.narrate(world.owner, document, BOOK)
    assert second != first
    await arranging.add_page(world.owner, document, "More")
    await world.cut(document, 4)
    third = await world.narrations.narrate(world.owner, document, BOOK)
    assert third not in {first, second}
    await world.speak_everything()
    assert [event.page for event in await world.decided(AudioRequested)] == [1, 2, 3, 4]
    books = await world.decided(AudiobookRequested)
    assert [len((await world.contents(book)).pages) for book in books] == [3, 3, 4]


@pytest.mark.parametrize("pages", [None, (PageRange(first=1, last=4),)])
async def test_what_was_asked_for_before_goes_without_what_is_added(world, arranging, pages):
    document = await world.hand_in()
    order = NarrationOptions(pages=pages)
    narration = await world.narrations.narrate(world.owner, document, order)
    await world.read(document, 3)
    await arranging.add_page(world.owner, document, "More")
    await world.cut(document, 4)
    await world.speak_everything()
    assert await world.pages_asked() == [1, 2, 3]
    view = await world.narration_queries.narration(world.owner, narration)
    missing = 0 if pages is None else 1
    assert (view.pages_total, view.pages_ready, view.pages_failed) == (3 + missing, 3, missing)
    found = await world.narration_queries.failures(world.owner, narration, 10)
    assert [failure.code for failure in found.items] == ["no_such_page"] * missing
