from functools import partial

import pytest

from libs.common.contracts.audio import AudioProgressed
from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentDeleted
from libs.common.database.engine import Database
from libs.common.database.upsert import add_once, upsert
from services.gateway.audio.tables import audios, voices
from services.gateway.documents.tables import documents, pages
from services.gateway.features import FEATURES
from services.gateway.kernel.record import Feature, Fold
from services.gateway.rebuilding import shadows
from services.gateway.rebuilding.shadow_projection import ShadowProjection, write_batches
from services.gateway.rebuilding.tests.living import document_story, happen_all, life, rows_of
from services.gateway.tables import READ_MODELS

NOWHERE = Database("sqlite+aiosqlite:///:memory:")


def stored(event):
    return event.topic, event.encode(), str(event.event_id), rfc3339(event.occurred_at)


def projection_of(database, tables, features=FEATURES):
    beside = shadows.shadows_of(tables, sqlite=database.sqlite)
    return ShadowProjection(features, beside, database.engine.dialect), beside


async def test_what_many_events_write_to_one_row_is_one_row(database):
    projection, _ = projection_of(database, [audios])
    told = [stored(event) for event in document_story(0, pages=1, utterances=9)]
    by_columns = {rule.values: rows for rule, rows in projection.rows(told).items()}
    ((progressed,),) = [
        list(rows.values()) for names, rows in by_columns.items() if "done" in names
    ]
    assert (progressed["done"], progressed["total"]) == (9, 9)
    assert all(len(rows) == 1 for rows in by_columns.values())


async def test_of_rows_that_one_column_orders_the_latest_stays(database):
    projection, _ = projection_of(database, [audios])
    told = [event for event in document_story(0, pages=1) if isinstance(event, AudioProgressed)]
    (rows,) = projection.rows([stored(event) for event in reversed(told)]).values()
    assert [row["done"] for row in rows.values()] == [4]


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 7, 1000])
async def test_it_writes_what_applying_each_event_would(database, at_once):
    projection, beside = projection_of(database, READ_MODELS)
    happened = life(2)
    await happen_all(database, happened)
    told = [stored(event) for event in happened]
    async with database.transaction() as connection:
        await shadows.create(connection, beside)
        for size in (at_once, 3):  # nothing changes when all of it comes once more
            for first in range(0, len(told), size):
                await write_batches(connection, projection.batches(told[first : first + size]))
    live, written = await rows_of(database), await rows_of(database, beside.values())
    assert {f"rebuilt_{name}": rows for name, rows in live.items()} == written


def test_only_tables_that_are_rebuilt_are_written(tmp_path):
    projection, _ = projection_of(NOWHERE, [pages])
    assert DocumentDeleted in projection.events
    told = [stored(event) for event in document_story(0) if type(event) in projection.events]
    assert {rule.table.name for rule in projection.rows(told)} == {"pages"}


def deleted():
    return next(event for event in document_story(4) if isinstance(event, DocumentDeleted))


def told_of(told, _):
    return told


def test_a_row_without_a_moment_gives_way_to_one_that_has_it():
    def announced(moment):
        said = {"default_voice": str(moment), "announced_at": moment}
        return upsert(voices, {"engine": "e"}, "announced_at", **said)

    for order in ((None, "2026"), ("2026", None), ("2025", "2026"), ("2026", "2025")):
        told = [announced(moment) for moment in order]
        folds: dict[type[Event], Fold] = {DocumentDeleted: partial(told_of, told)}
        feature = Feature(name="x", folds=folds, read_models=[voices])
        projection, _ = projection_of(NOWHERE, [voices], [feature])
        ((row,),) = [list(rows.values()) for rows in projection.rows([stored(deleted())]).values()]
        assert row["default_voice"] == "2026"


def test_a_fold_that_does_not_upsert_is_a_mistake():
    feature = Feature(
        name="x",
        folds={DocumentDeleted: lambda _: [add_once(documents, document_id="1")]},
        read_models=[documents],
    )
    projection, _ = projection_of(NOWHERE, [documents], [feature])
    with pytest.raises(TypeError, match="upsert"):
        projection.rows([stored(deleted())])
