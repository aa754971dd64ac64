"""No way leads to more than one was given, and none is closed that is open.

A failure prints the seed and the steps that led there; RIGHTS_SEED walks the same way again.
"""

import os
import random
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from services.gateway.settings import Settings
from services.gateway.sharing.tests import rights_walk
from services.gateway.sharing.tests.rights_walk import Walk, enter, go
from services.gateway.tests.world import World, a_world, assembled

STEPS_ON_SQLITE, STEPS_ON_POSTGRESQL = 10_000, 2_000


def freeze(monkeypatch, walk):
    """Have all of the gateway read the time of the walk."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return walk().moment.astimezone(tz)

    for name, module in list(sys.modules.items()):
        of_gateway = name.startswith("services.gateway.") and ".tests" not in name
        if of_gateway and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Frozen)


async def walk_on(tmp_path, monkeypatch, steps, database_url=None):
    seed = int(os.environ.get("RIGHTS_SEED") or random.SystemRandom().randrange(2**32))
    holder: list[Walk] = []
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(a_world(tmp_path, database_url))
        parts = first.assembly.parts
        assert isinstance(parts.settings, Settings)
        second = World(assembled(parts.common, parts.settings), first.owner, first.token)
        stack.push_async_callback(second.database.close)
        gateways = [await enter(stack, one, lambda: holder[0]) for one in (first, second)]
        walk = Walk(gateways, random.Random(seed), datetime.now(UTC))
        holder.append(walk)
        freeze(monkeypatch, lambda: walk)
        try:
            await go(walk, steps)
        except BaseException as error:
            about = walk.told[-1][0] if walk.told else None
            error.add_note(f"RIGHTS_SEED={seed}; what led here:\n{walk.steps_of(about)}")
            raise
    return walk


def assert_whole(walk, steps):
    """Every kind of step was walked, and granted as well as refused."""
    assert sum(walk.walked.values()) == steps
    kinds = {step.__name__ for step in rights_walk.STEPS} | {"close"}
    assert set(walk.walked) == kinds
    assert {200, 201, 204, 401, 403, 404, 422} <= set(walk.answers)


@pytest.mark.slow
async def test_ten_thousand_steps_on_two_gateways(tmp_path, monkeypatch):
    assert_whole(await walk_on(tmp_path, monkeypatch, STEPS_ON_SQLITE), STEPS_ON_SQLITE)


@pytest.mark.slow
async def test_two_thousand_steps_on_two_gateways_and_postgresql(
    tmp_path, monkeypatch, postgres_database
):
    walk = await walk_on(tmp_path, monkeypatch, STEPS_ON_POSTGRESQL, postgres_database)
    assert_whole(walk, STEPS_ON_POSTGRESQL)
