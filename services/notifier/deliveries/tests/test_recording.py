from collections.abc import Sequence

import pytest

from libs.common.store.jobs.claiming import SlotRequest, claim
from services.notifier.deliveries.batching import pages_of
from services.notifier.deliveries.outcomes import Attempt
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tests import samples
from services.notifier.tests.world import World

ANN = Target("mail", "ann@example.org", frozenset(TYPES))
BOB = Target("mail", "bob@example.org", frozenset(TYPES))
HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))


async def tell_of_pages(world: World, *pages: int, targets: Sequence[Target] = (ANN,)) -> None:
    await world.tell(*(samples.audio_failed(page) for page in pages), targets=targets)


async def test_the_next_mail_of_the_kind_comes_an_hour_later(world):
    await tell_of_pages(world, 1)
    [job] = await world.jobs()
    await world.apply([Attempt(Notice.model_validate_json(job.payload), 1)])
    await tell_of_pages(world, 2, 3)
    first, second = await world.jobs()
    assert 3_590_000 < second.run_at_ms - first.run_at_ms < 3_610_000
    attempt = Attempt(Notice.model_validate_json(second.payload), 1)
    await world.apply([attempt])
    assert pages_of(attempt.going_out) == [2, 3]


@pytest.mark.parametrize(
    "other",
    [
        samples.audio_failed(2, code="unavailable"),
        samples.audio_failed(2, document_id=samples.task_failed().task_id),
        samples.task_failed(),
    ],
)
async def test_other_kinds_get_a_mail_of_their_own(world, other):
    await world.tell(samples.audio_failed(1), other, targets=[ANN])
    assert len(await world.jobs()) == 2


async def test_every_mailbox_is_told(world):
    await tell_of_pages(world, 1, 2, targets=[ANN, BOB])
    assert len(await world.jobs()) == 2
    assert len(await world.deliveries()) == 4


async def test_webhooks_are_not_collected(world):
    await tell_of_pages(world, 1, 2, targets=[HOOK])
    assert len(await world.jobs()) == 2


async def test_a_target_that_has_much_to_come_holds_up_no_other(world):
    await world.tell(*(samples.audio_ready(page) for page in range(1, 20)), targets=[HOOK])
    other = Target("webhook", "https://other.example.org/", frozenset(TYPES))
    await world.tell(samples.audio_ready(1), targets=[other])
    keys = []
    async with world.database.transaction() as connection:
        for _ in range(2):
            [held] = await claim(
                connection, SlotRequest(kind="webhook", free=1, share=1, most=1), 1000
            )
            keys.append(Notice.model_validate_json(held.payload).target_key)
    identities = await world.secret.identities()
    assert identities.of_target(other) in keys
