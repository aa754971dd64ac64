import asyncio
import random
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)

from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from libs.common.store.leading import leading
from libs.common.store.migrate import upgrade
from libs.common.store.tables import events as own_events
from libs.common.store.tables import inbox
from services.gateway.audio.tables import audios
from services.gateway.documents.tables import documents, pages
from services.gateway.features import FEATURES
from services.gateway.kernel.record import Feature
from services.gateway.kernel.tables import document_changes, rebuilds
from services.gateway.rebuilding import past_events, rebuild_tables, shadows
from services.gateway.rebuilding import rebuild_progress as kept
from services.gateway.rebuilding.rebuild_progress import RebuildProgress
from services.gateway.rebuilding.rebuild_tables import Rebuild
from services.gateway.rebuilding.tests.conftest import MIGRATIONS
from services.gateway.rebuilding.tests.living import (
    document_story,
    happen,
    happen_all,
    life,
    lose,
    rows_of,
)
from services.gateway.tables import READ_MODELS
from services.gateway.tests.test_projection import histories


def shown(_):
    """Nobody looks."""


def rebuild_of(database, tables=READ_MODELS, features=FEATURES, show=shown, tell=shown):
    return Rebuild(database, features, tables, show=show, tell=tell)


@pytest.fixture
def small(monkeypatch):
    """Chunks and passes that a short history fills."""
    monkeypatch.setattr(past_events, "CHUNK", 40)
    monkeypatch.setattr(rebuild_tables, "SHORT_PASS", 40)
    monkeypatch.setattr(past_events, "OVERLAP_IDS", 10)
    monkeypatch.setattr(past_events, "OVERLAP_MS", 50)
    monkeypatch.setattr(past_events, "LOOK_EVERY_S", 0.001)


INDEXES = {
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
}


def described(connection):
    """All tables, columns, constraints and indexes, with the names of everything."""
    found = inspect(connection)
    tables = {
        name: (
            repr(found.get_columns(name)),
            found.get_pk_constraint(name),
            found.get_unique_constraints(name),
        )
        for name in found.get_table_names()
    }
    indexes = connection.execute(text(INDEXES[connection.dialect.name]))
    return tables, {name: " ".join(sql.split()) for name, sql in indexes}


async def schema_of(database):
    async with database.reading() as connection:
        return await connection.run_sync(described)


@pytest.mark.slow
def test_what_is_rebuilt_is_what_was_there(database_url):
    database = Database(database_url)

    async def compare(delivered):
        await lose(database, [*READ_MODELS, inbox, own_events, document_changes])
        await happen_all(database, delivered)
        live = await rows_of(database)
        await lose(database)
        await rebuild_of(database).run()
        assert await rows_of(database) == live
        assert all(live.values())

    with asyncio.Runner() as runner:
        runner.run(_migrated(database))

        @settings(
            max_examples=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(histories())
        def equal(drawn):
            runner.run(compare(drawn[1]))

        equal()
        runner.run(database.close())


async def _migrated(database):
    await upgrade(database, MIGRATIONS)


@pytest.mark.slow
async def test_everything_has_the_same_names_afterwards(database):
    await happen_all(database, life(2))
    before = await schema_of(database)
    for _ in range(2):
        await rebuild_of(database).run()
        assert await schema_of(database) == before
    if database.sqlite:
        found = await database.fetch(text("SELECT name, sql FROM sqlite_master"))
        assert "rebuilt_" not in repr(found)


@pytest.mark.slow
async def test_one_table_is_rebuilt_and_the_others_stay(database, small):
    await happen_all(database, life(3))
    live = await rows_of(database)
    await lose(database, [pages, audios])
    done = await rebuild_of(database, [pages]).run()
    assert await rows_of(database) == live | {"audios": []}
    assert 0 < done.events < 60
    assert done.passes >= 1


@pytest.mark.slow
async def test_a_document_deleted_meanwhile_stays_deleted(database, small, monkeypatch):
    story = document_story(0)
    await happen_all(database, story)
    submitted = story[0]
    deleted = DocumentDeleted(
        document_id=submitted.document_id,
        owner_id=submitted.owner_id,
        deleted_by=submitted.owner_id,
    )
    analyze = shadows.analyze

    async def delete_then_analyze(connection, beside):
        if not database.sqlite:  # which has one writer
            await happen_all(database, [deleted])
        await analyze(connection, beside)

    monkeypatch.setattr(shadows, "analyze", delete_then_analyze)
    passes = []

    def show(progress):
        passes.append(progress.passes)

    if database.sqlite:
        bound = past_events.committed_bound

        async def delete_then_bound(*asked):
            found = await bound(*asked)
            await happen_all(database, [deleted])
            return found

        monkeypatch.setattr(rebuild_tables, "committed_bound", delete_then_bound)
    await rebuild_of(database, show=show).run()
    ((deleted_at,),) = await database.fetch(select(documents.c.deleted_at))
    assert deleted_at is not None
    assert passes


class Killed(BaseException):
    """The process ends here."""


def killing(database, monkeypatch, number, when):
    """Have transaction ``number`` end before it begins, before its commit, or right after it."""
    transaction, begun = database.transaction, 0

    @asynccontextmanager
    async def counted():
        nonlocal begun
        begun += 1
        if (begun, when) == (number, "before"):
            raise Killed
        async with transaction() as connection:
            yield connection
            if (begun, when) == (number, "within"):
                raise Killed
        if (begun, when) == (number, "after"):
            raise Killed

    monkeypatch.setattr(database, "transaction", counted)
    return lambda: monkeypatch.setattr(database, "transaction", transaction)


def when_some_is_projected(database):
    """The transaction before which something is kept; on SQLite, taking the lease is one too."""
    return 5 if database.sqlite else 4


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "within", "after"])
async def test_killed_at_any_step_it_goes_on(database, small, monkeypatch, when):
    await happen_all(database, life(4))
    live, schema = await rows_of(database), await schema_of(database)
    number = 0
    while True:
        number += 1
        await lose(database)
        revive = killing(database, monkeypatch, number, when)
        try:
            done = await rebuild_of(database).run()
        except Killed:
            revive()
        else:
            revive()
            break
        left = await database.fetch(select(rebuilds.c.projected))
        done = await rebuild_of(database).run()
        assert await rows_of(database) == live
        assert await schema_of(database) == schema
        assert await database.fetch(select(rebuilds)) == []
        if left:
            assert done.events >= left[0].projected
    assert number > 5


async def test_what_is_left_of_other_tables_is_discarded_and_so_it_is_if_asked(
    database, small, monkeypatch
):
    await happen_all(database, life(2))
    live, schema = await rows_of(database), await schema_of(database)
    for again, fresh in ((READ_MODELS, False), ([pages], True)):
        revive = killing(database, monkeypatch, when_some_is_projected(database), "before")
        with pytest.raises(Killed):
            await rebuild_of(database, [pages]).run()
        revive()
        ((left,),) = await database.fetch(select(rebuilds.c.projected))
        assert left > 0
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE rebuilt_pages SET language = 'wrong'"))
        await rebuild_of(database, again).run(fresh=fresh)
        assert await rows_of(database) == live
        assert await schema_of(database) == schema


async def test_what_another_release_has_left_is_not_gone_on_with(database, small, monkeypatch):
    await happen_all(database, life(2))
    live = await rows_of(database)
    for code, said in (("another", "another release; beginning anew"), (None, "going on after")):
        revive = killing(database, monkeypatch, when_some_is_projected(database), "before")
        with pytest.raises(Killed):
            await rebuild_of(database).run()
        revive()
        if code is not None:
            async with database.transaction() as connection:
                await connection.execute(update(rebuilds).values(code_digest=code))
                await connection.execute(text("UPDATE rebuilt_pages SET language = 'wrong'"))
        told: list[str] = []
        await rebuild_of(database, tell=told.append).run()
        assert said in told[0]
        assert await rows_of(database) == live


async def test_shadows_of_a_table_that_there_is_no_more_are_removed(database, small, monkeypatch):
    await happen_all(database, life(1))
    schema = await schema_of(database)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE rebuilt_gone (id int)"))
        await kept.begin(connection, RebuildProgress(tables="gone,pages", code_digest="c"))
    await rebuild_of(database).run()
    assert await schema_of(database) == schema


async def test_a_second_rebuild_says_that_it_waits_for_the_first(database, monkeypatch):
    monkeypatch.setattr(rebuild_tables, "TELL_EVERY_S", 0.01)
    told: list[str] = []
    async with leading(database, "rebuild", 60_000):
        second = asyncio.create_task(rebuild_of(database, tell=told.append).run())
        async with asyncio.timeout(30):
            while not told:
                await asyncio.sleep(0.01)
        assert told == ["another rebuild is running; waiting for its end"]
    await second


@pytest.mark.slow
async def test_events_that_arrive_meanwhile_are_in_it(database, database_url, small, tmp_path):
    happened = life(30, seed=3)
    before, meanwhile = happened[:500], happened[500:]
    await happen_all(database, before)
    gateways = [database] if database.sqlite else [Database(database_url) for _ in range(6)]
    rebuilt = asyncio.create_task(rebuild_of(database).run())
    waiting = list(reversed(meanwhile))
    order = random.Random(5)

    async def gateway(mine):
        while waiting:
            event = waiting.pop()
            async with mine.transaction() as connection:
                await happen(connection, event)
                if not database.sqlite:  # others commit in between
                    await asyncio.sleep(order.choice([0, 0, 0.001, 0.02, 0.1]))

    first = [event.document_id for event in before if isinstance(event, DocumentSubmitted)]
    fewest = []

    async def reader():
        while not rebuilt.done():
            count = select(func.count()).where(documents.c.document_id.in_(map(str, first)))
            async with database.reading() as connection:
                fewest.append(await connection.scalar(count))
            await asyncio.sleep(0.001)

    await asyncio.gather(reader(), *map(gateway, gateways))
    await rebuilt
    assert set(fewest) == {len(first)}
    live = await rows_of(database)
    await rebuild_of(database).run()
    assert await rows_of(database) == live
    other = Database(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    await _migrated(other)
    await happen_all(other, happened)
    assert live == await rows_of(other)
    for mine in gateways:
        await mine.close()
    await other.close()


counts = Table("page_counts", MetaData(), Column("pages", Integer, primary_key=True))


async def count_pages(connection):
    await connection.execute(delete(counts))
    found = select(func.count()).select_from(pages)
    await connection.execute(insert(counts).from_select(["pages"], found))


async def test_derived_tables_follow_from_what_was_rebuilt(database):
    await happen_all(database, document_story(0, pages=3))
    async with database.transaction() as connection:
        await connection.run_sync(counts.create)
        await connection.execute(insert(counts).values(pages=7))
    await lose(database)
    features = (*FEATURES, Feature(name="counting", derived={counts: count_pages}))
    await rebuild_of(database, [counts], features).run()
    assert await database.fetch(select(counts)) == [(0,)]
    await rebuild_of(database, [*READ_MODELS, counts], features).run()
    assert await database.fetch(select(counts)) == [(3,)]


async def test_watchers_look_again(database, monkeypatch):
    monkeypatch.setattr(rebuild_tables, "DOCUMENTS_PER_TRANSACTION", 2)
    await happen_all(database, life(3))
    counters = select(document_changes.c.document_id, document_changes.c.changes)
    query = counters.order_by(document_changes.c.document_id)
    before = await database.fetch(query)
    await rebuild_of(database).run()
    assert await database.fetch(query) == [(name, count + 1) for name, count in before]


async def test_on_postgresql_it_waits_for_who_is_in_the_tables(postgres_database, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(rebuild_tables, "PATIENCE_MS", (10,) * 500)
    monkeypatch.setattr(rebuild_tables, "delay_s", lambda *_, **__: 0.02)
    database = Database(postgres_database)
    await _migrated(database)
    async with database.reading() as connection:
        await connection.execute(select(documents))
        running = asyncio.create_task(rebuild_of(database, tell=told.append).run())
        async with asyncio.timeout(30):
            while not told:
                await asyncio.sleep(0.02)
        assert not running.done()
        other = select(func.count()).select_from(documents)
        assert await database.fetch(other) == [(0,)]  # between two tries
    done = await running
    assert done.locked_s < 1
    assert "idle in transaction" in told[0]
    assert told[0].endswith("; trying again")
    await database.close()


async def test_on_postgresql_who_is_in_the_tables_for_too_long_is_named(
    postgres_database, monkeypatch
):
    monkeypatch.setattr(rebuild_tables, "PATIENCE_MS", (10,) * 3)
    monkeypatch.setattr(rebuild_tables, "delay_s", lambda *_, **__: 0.02)
    database = Database(postgres_database)
    await _migrated(database)
    async with database.reading() as connection:
        await connection.execute(select(documents))
        with pytest.raises(Unavailable, match=r"55P03.*idle in transaction.*same command again"):
            await rebuild_of(database).run()
    await database.close()
