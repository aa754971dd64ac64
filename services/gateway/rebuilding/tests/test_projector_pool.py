import pytest

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.features import FEATURES
from services.gateway.rebuilding.projector_pool import ProjectorPool
from services.gateway.rebuilding.shadow_projection import ShadowProjection
from services.gateway.rebuilding.shadows import shadows_of
from services.gateway.rebuilding.tests.living import life
from services.gateway.tables import READ_MODELS


@pytest.mark.slow
async def test_another_process_folds_the_same(database):
    told = [
        (event.topic, event.encode(), str(event.event_id), rfc3339(event.occurred_at))
        for event in life(2)
    ]
    beside = shadows_of(READ_MODELS, sqlite=database.sqlite)
    here = ShadowProjection(FEATURES, beside, database.engine.dialect).batches(told)
    async with ProjectorPool(database, [table.name for table in READ_MODELS], 1) as pool:
        assert pool.ahead == 2
        assert await pool.batches(told) == here
