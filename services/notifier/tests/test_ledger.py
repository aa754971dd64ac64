import asyncio
from collections.abc import Sequence

import pytest

from libs.common.effects import apply
from libs.common.errors import Permanent
from libs.common.events import NotificationFailed, NotificationSent
from libs.common.jobs import claim
from services.notifier.handlers import Notifier
from services.notifier.ledger import Attempt, Pace, failed, put_back, sent
from services.notifier.notices import TYPES, Notice, Target, Told
from services.notifier.tests import samples
from services.notifier.tests.world import World

ANN = Target("mail", "ann@example.org", frozenset(TYPES))
BOB = Target("mail", "bob@example.org", frozenset(TYPES))
HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))
PACE = Pace(batch_wait_ms=60_000, batch_interval_ms=3_600_000)


async def tell(world: World, *events: Told, targets: Sequence[Target] = (ANN,)) -> None:
    for event in events:
        await world.apply(await Notifier(targets, PACE).tell(event))


async def first_notice(world: World) -> Notice:
    return Notice.model_validate_json((await world.jobs())[0].payload)


async def three_hundred_failing_pages(world: World) -> None:
    await tell(world, *(samples.audio_failed(page) for page in range(300, 0, -1)))
    [job] = await world.jobs()
    assert 55_000 < job.run_at_ms - job.created_at_ms <= 60_000
    notice = await first_notice(world)
    attempt = Attempt(notice, 1)
    await world.apply([attempt])
    assert attempt.notices == 300
    assert attempt.pages == list(range(1, 301))
    await world.apply([sent(notice)])
    rows = await world.deliveries()
    assert {(row.status, row.finished_at_ms is not None) for row in rows} == {("sent", True)}
    told = [each for each in await world.events() if isinstance(each, NotificationSent)]
    assert len({each.notification_id for each in told}) == 300
    assert len({each.about for each in told}) == 300


async def test_three_hundred_failing_pages_are_one_mail(world):
    await three_hundred_failing_pages(world)


async def test_on_postgresql_too(postgres_world):
    await three_hundred_failing_pages(postgres_world)


async def test_the_next_mail_of_the_kind_comes_an_hour_later(world):
    await tell(world, samples.audio_failed(1))
    await world.apply([Attempt(await first_notice(world), 1)])
    await tell(world, samples.audio_failed(2), samples.audio_failed(3))
    first, second = await world.jobs()
    assert 3_590_000 < second.run_at_ms - first.run_at_ms < 3_610_000
    attempt = Attempt(Notice.model_validate_json(second.payload), 1)
    await world.apply([attempt])
    assert attempt.pages == [2, 3]


async def test_nothing_joins_a_mail_unseen_that_is_being_sent(postgres_world):
    """A handler that found the mail still open commits before the mail is read."""
    world = postgres_world
    await tell(world, samples.audio_failed(1))
    attempt = Attempt(await first_notice(world), 1)
    effects = await Notifier([ANN], PACE).tell(samples.audio_failed(2))
    async with world.database.transaction() as connection:
        await apply(connection, effects, None)
        closing = asyncio.create_task(world.apply([attempt]))
        await asyncio.sleep(0.3)
        assert not closing.done()
    await closing
    assert attempt.pages == [1, 2]
    assert len(await world.jobs()) == 1


async def test_a_mail_that_is_retried_tells_the_same(world):
    await tell(world, samples.audio_failed(1), samples.audio_failed(2))
    notice = await first_notice(world)
    await world.apply([Attempt(notice, 1), put_back(notice, Permanent("busy"))])
    await tell(world, samples.audio_failed(3))
    again = Attempt(notice, 2)
    await world.apply([again])
    assert again.pages == [1, 2]
    row = next(r for r in await world.deliveries() if r.told_by is None and r.page == 1)
    assert (row.status, row.attempts, row.last_error) == ("sending", 2, "busy")


@pytest.mark.parametrize(
    "other",
    [
        samples.audio_failed(2, code="unavailable"),
        samples.audio_failed(2, document_id=samples.task_failed().task_id),
        samples.task_failed(),
    ],
)
async def test_other_kinds_get_a_mail_of_their_own(world, other):
    await tell(world, samples.audio_failed(1), other)
    assert len(await world.jobs()) == 2


async def test_every_mailbox_is_told(world):
    await tell(world, samples.audio_failed(1), samples.audio_failed(2), targets=(ANN, BOB))
    assert len(await world.jobs()) == 2
    assert len(await world.deliveries()) == 4


async def test_webhooks_are_not_collected(world):
    await tell(world, samples.audio_failed(1), samples.audio_failed(2), targets=(HOOK,))
    assert len(await world.jobs()) == 2


async def test_what_was_given_up_is_recorded_for_all(world):
    await tell(world, samples.audio_failed(1), samples.audio_failed(2))
    await world.apply([failed(await first_notice(world), Permanent("no such mailbox"))])
    assert {(r.status, r.last_error) for r in await world.deliveries()} == {
        ("failed", "no such mailbox")
    }
    told = await world.events()
    assert [type(each) for each in told] == [NotificationFailed] * 2
    assert {(each.code, each.reason) for each in told} == {("permanent", "no such mailbox")}


async def test_what_is_about_no_document_is_keyed_by_notification(world):
    await tell(world, samples.task_failed(document_id=None), targets=(HOOK,))
    await world.apply([sent(await first_notice(world))])
    assert [row.status for row in await world.deliveries()] == ["sent"]
    [told] = await world.events()
    assert told.document_id is None
    assert told.key == str(told.notification_id)


async def test_a_target_that_has_much_to_come_holds_up_no_other(world):
    await tell(world, *(samples.audio_ready(page) for page in range(1, 20)), targets=(HOOK,))
    other = Target("webhook", "https://other.example.org/", frozenset(TYPES))
    await tell(world, samples.audio_ready(1), targets=(other,))
    keys = []
    async with world.database.transaction() as connection:
        for _ in range(2):
            [held] = await claim(connection, ["webhook"], 1000)
            assert held is not None
            keys.append(Notice.model_validate_json(held.payload).target_key)
    assert other.key in keys
