"""What is listed, found and sorted is the same on both databases."""

from itertools import pairwise
from typing import Any

import pytest

from libs.common.errors import Rejected
from services.gateway.documents.listing import search as searching
from services.gateway.documents.listing.search import DocumentSearch, search_documents
from services.gateway.documents.upkeep.commands import UpkeepCommands

TITLES = ["Zeta", "alpha", "Éclair", "Ελένη", "100% sure", "a_b", "日本語の本"]
ORDERS: list[Any] = [
    f"{sign}{name}" for name in ("submitted_at", "updated_at", "title") for sign in ("", "-")
]


@pytest.fixture
async def world(either_world):
    """A gateway with a document of each title, on either database."""
    for title in TITLES:
        document = await either_world.hand_in()
        await UpkeepCommands(either_world.kernel).rename(either_world.owner, document, title, 0)
    return either_world


async def walk(world, search, limit=2):
    """All that is found, page by page, and how many answers that took."""
    found, cursor, answers = [], None, 0
    while True:
        slice_ = await world.document_queries.documents(world.owner, limit, cursor, search)
        assert len(slice_.items) <= limit
        found += [view.title for view in slice_.items]
        cursor, answers = slice_.following, answers + 1
        if cursor is None:
            return found, answers


@pytest.mark.parametrize("order", ORDERS)
async def test_every_order_is_walked_without_gaps_or_repetition(world, order):
    found, _ = await walk(world, DocumentSearch(order=order))
    assert sorted(found) == sorted(TITLES)
    backwards: Any = order[1:] if order.startswith("-") else f"-{order}"
    assert (await walk(world, DocumentSearch(order=backwards)))[0] == found[::-1]


async def test_titles_are_sorted_by_code_point_whatever_their_case(world):
    found, _ = await walk(world, DocumentSearch(order="title"))
    assert found == ["100% sure", "a_b", "alpha", "Zeta", "Éclair", "Ελένη", "日本語の本"]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("ALPHA", ["alpha"]),
        ("écl", ["Éclair"]),
        ("ÉCL", ["Éclair"]),
        ("ΕΛΈΝΗ", ["Ελένη"]),
        ("本語", ["日本語の本"]),
        ("%", ["100% sure"]),
        ("_", ["a_b"]),
        ("nothing like it", []),
    ],
)
async def test_a_part_of_a_title_is_found_in_any_script(world, part, found):
    assert (await walk(world, DocumentSearch(title=part)))[0] == found


async def test_one_answer_looks_at_a_bounded_number_of_documents(world, monkeypatch):
    monkeypatch.setattr(searching, "MOST_LOOKED_AT", 3)
    found, answers = await walk(world, DocumentSearch(title="zeta", order="-submitted_at"))
    assert (found, answers) == (["Zeta"], 3)


async def test_a_renamed_document_moves_and_is_not_lost(world):
    first = await world.document_queries.documents(world.owner, 1, None, DocumentSearch())
    document = first.items[0].document_id
    for old, new in pairwise(["", "B", "C"]):
        del old
        revision = (await world.document_queries.document(world.owner, document)).revision
        await UpkeepCommands(world.kernel).rename(world.owner, document, new, revision)
    found, _ = await walk(world, DocumentSearch(order="-updated_at"))
    assert found[0] == "C"


async def test_states_and_origins(world):
    read, rejected, reading = [await world.hand_in() for _ in range(3)]
    await world.read(read, 1)
    await world.reject(rejected)
    await world.extract(reading, 1)

    async def ids(**search):
        found = await world.document_queries.documents(
            world.owner, 100, None, DocumentSearch(**search)
        )
        return {view.document_id for view in found.items}

    assert await ids(state="ready") == {read}
    assert await ids(state="rejected") == {rejected}
    assert await ids(state="reading") == {reading}
    assert len(await ids(state="submitted")) == len(TITLES)
    assert await ids(media_type="application/octet-stream") == {read}
    assert await ids(media_type="application/pdf") == set()
    assert await ids(source_kind="url") == set()
    assert len(await ids(source_kind="text")) == len(TITLES) + 3


async def test_a_cursor_of_another_order_is_none(world):
    found = await world.document_queries.documents(world.owner, 1, None, DocumentSearch())
    async with world.database.reading() as connection:
        with pytest.raises(Rejected, match="no place in the list"):
            await search_documents(
                connection, world.owner, DocumentSearch(order="title"), 1, found.following
            )
