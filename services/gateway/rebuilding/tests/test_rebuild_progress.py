from uuid import uuid4

from sqlalchemy import select

from services.gateway.audio.tables import voices
from services.gateway.documents.tables import documents
from services.gateway.kernel.tables import rebuilds
from services.gateway.rebuilding.past_events import Bound, Position
from services.gateway.rebuilding.rebuild_progress import (
    RebuildProgress,
    begin,
    forget,
    keep,
    named,
    read_progress,
)

BOUND = Bound(own=90_000, received_ms=90_000)


def test_passes_follow_one_another():
    first = RebuildProgress(tables="x", code_digest="c").begun(BOUND)
    assert (first.passes, first.until) == (1, BOUND)
    assert first.passed().position == BOUND.start_of_next()
    assert first.passed().until is None
    assert RebuildProgress(tables="x", code_digest="c").passed() == RebuildProgress(
        tables="x", code_digest="c"
    )
    moved = first.moved(Position(own=3), 3).moved(Position(own=5), 2)
    assert (moved.projected, moved.position.own) == (5, 5)


def test_what_is_left_is_of_use_to_the_same_tables_and_code():
    new = RebuildProgress(tables="x", code_digest="1")
    assert RebuildProgress(tables="x", code_digest="1", projected=5).differs_from(new) is None
    for other in (
        RebuildProgress(tables="x", code_digest="2"),
        RebuildProgress(tables="x", code_digest="c"),
    ):
        assert other.differs_from(new) == "of another release"
    assert "(y)" in str(RebuildProgress(tables="y", code_digest="1").differs_from(new))


def test_a_rebuild_is_named_by_its_tables():
    assert named([voices, documents]) == named([documents, voices]) == "documents,voices"


async def test_it_is_kept_and_forgotten(database):
    at = Position(own=1, received_ms=2, received_id=str(uuid4()))
    first = RebuildProgress(tables="x", code_digest="c")
    later = RebuildProgress(
        tables="x", code_digest="c", position=at, until=BOUND, passes=1, projected=9, swapped=True
    )
    async with database.transaction() as connection:
        assert await read_progress(connection) is None
        await begin(connection, first)
        assert await read_progress(connection) == first
        await keep(connection, later)
        assert await read_progress(connection) == later
        await begin(connection, first)
        assert await read_progress(connection) == first
        assert len((await connection.execute(select(rebuilds))).all()) == 1
        await forget(connection)
        assert await read_progress(connection) is None
