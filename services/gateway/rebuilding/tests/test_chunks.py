import asyncio
from contextlib import aclosing

import pytest

from services.gateway.features import FEATURES
from services.gateway.rebuilding import past_events
from services.gateway.rebuilding.chunks import LocalProjector, projected_chunks
from services.gateway.rebuilding.past_events import Position, Sources
from services.gateway.rebuilding.shadow_projection import ShadowProjection
from services.gateway.rebuilding.shadows import shadows_of
from services.gateway.rebuilding.tests.living import happen_all, is_own, life
from services.gateway.tables import READ_MODELS


class Slow:
    """Folds nothing, and knows how many chunks it had at a time."""

    ahead = 3

    def __init__(self, others_s, *, wait_for_all=False):
        self._others_s, self._wait_for_all = others_s, wait_for_all
        self._full = asyncio.Event()
        self.now = self.most = self.begun = self.cancelled = 0

    async def batches(self, events):
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.now == self.ahead:
                self._full.set()
            first = self.begun == 1
            if self._wait_for_all:
                await self._full.wait()  # however long a busy machine takes to read
            if not first:
                await asyncio.sleep(self._others_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.now -= 1
        return []


@pytest.fixture
async def sources(database, monkeypatch):
    """A history of several chunks."""
    monkeypatch.setattr(past_events, "CHUNK", 5)
    happened = life(2, pages=2, utterances=1)
    await happen_all(database, happened)
    topics = {event.topic for event in happened}
    own = {event.topic for event in happened if is_own(event)}
    return Sources(own=sorted(own), received=sorted(topics)), len(happened)


async def test_chunks_come_in_order_while_the_next_ones_are_projected(database, sources):
    read, count = sources
    projector, places, events = Slow(0.01, wait_for_all=True), [], 0
    async with aclosing(projected_chunks(database, read, projector, Position(), None)) as chunks:
        async for chunk in chunks:
            places.append((chunk.behind.own, chunk.behind.received_ms, chunk.behind.received_id))
            events += chunk.events
    assert places == sorted(places)
    assert events == count
    assert projector.most == 3


async def test_who_leaves_early_leaves_nothing_running(database, sources):
    projector = Slow(60)
    async with aclosing(
        projected_chunks(database, sources[0], projector, Position(), None)
    ) as chunks:
        async for _ in chunks:
            break
    await asyncio.sleep(0)
    assert projector.cancelled == projector.now > 0


async def test_this_process_folds_one_at_a_time(database, sources):
    beside = shadows_of(READ_MODELS, sqlite=database.sqlite)
    here = LocalProjector(ShadowProjection(FEATURES, beside, database.engine.dialect))
    async with aclosing(projected_chunks(database, sources[0], here, Position(), None)) as chunks:
        first = await anext(chunks)
    assert here.ahead == 1
    assert first.batches
    assert all(batch.parameters for batch in first.batches)
