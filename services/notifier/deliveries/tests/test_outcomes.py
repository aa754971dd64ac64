import asyncio
from collections.abc import Sequence

import pytest

from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.errors import Permanent
from libs.common.store.effects import apply
from services.notifier.deliveries.batching import pages_of
from services.notifier.deliveries.outcomes import Attempt, failed, put_back, refused, sent
from services.notifier.deliveries.recording import batched_notice
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tests import samples
from services.notifier.tests.world import World

ANN = Target("mail", "ann@example.org", frozenset(TYPES))
HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))


async def tell_of_pages(world: World, pages: Sequence[int]) -> None:
    await world.tell(*(samples.audio_failed(page) for page in pages), targets=[ANN])


async def first_notice(world: World) -> Notice:
    return Notice.model_validate_json((await world.jobs())[0].payload)


async def three_hundred_failing_pages(world: World) -> None:
    await tell_of_pages(world, range(300, 0, -1))
    [job] = await world.jobs()
    assert 55_000 < job.run_at_ms - job.created_at_ms <= 60_000
    notice = await first_notice(world)
    attempt = Attempt(notice, 1)
    await world.apply([attempt])
    assert len(attempt.going_out) == 300
    assert pages_of(attempt.going_out) == list(range(1, 301))
    await world.apply([sent(notice)])
    rows = await world.deliveries()
    assert {(row.status, row.finished_at_ms is not None) for row in rows} == {("sent", True)}
    told = [event for event in await world.events() if isinstance(event, NotificationSent)]
    assert len({notification.notification_id for notification in told}) == 300
    assert len({notification.about_event for notification in told}) == 300


@pytest.mark.slow
async def test_three_hundred_failing_pages_are_one_mail(world):
    await three_hundred_failing_pages(world)


async def test_on_postgresql_too(postgres_world):
    await three_hundred_failing_pages(postgres_world)


async def test_nothing_joins_a_mail_unseen_that_is_being_sent(postgres_world):
    """A handler that found the mail still open commits before the mail is read."""
    world = postgres_world
    await tell_of_pages(world, [1])
    attempt = Attempt(await first_notice(world), 1)
    event = samples.audio_failed(2)
    recording = batched_notice(
        Notice.of(event, ANN, await world.secret.identities()),
        ANN.shown,
        samples.SCHEDULE,
        f"{event.document_id}/{event.code}",
    )
    async with world.database.transaction() as connection:
        await apply(connection, [recording], None)
        closing = asyncio.create_task(world.apply([attempt]))
        await asyncio.sleep(0.3)
        assert not closing.done()
    await closing
    assert pages_of(attempt.going_out) == [1, 2]
    assert len(await world.jobs()) == 1


async def test_a_mail_that_is_retried_tells_the_same(world):
    await tell_of_pages(world, [1, 2])
    notice = await first_notice(world)
    await world.apply([Attempt(notice, 1), put_back(notice, Permanent("busy"))])
    await tell_of_pages(world, [3])
    again = Attempt(notice, 2)
    await world.apply([again])
    assert pages_of(again.going_out) == [1, 2]
    [row] = [
        row for row in await world.deliveries() if row.notification_id == notice.notification_id
    ]
    assert (row.status, row.attempts) == ("sending", 2)
    told = [row for row in await world.deliveries() if row.page in {1, 2}]
    assert {row.last_error for row in told} == {"busy"}


async def test_what_was_given_up_is_recorded_for_all(world):
    await tell_of_pages(world, [1, 2])
    notice = await first_notice(world)
    await world.apply([refused(notice, Permanent("no such mailbox")), failed(notice, "permanent")])
    assert {(row.status, row.last_error) for row in await world.deliveries()} == {
        ("failed", "no such mailbox")
    }
    told = [event for event in await world.events() if isinstance(event, NotificationFailed)]
    assert {(event.code, event.owner_id) for event in told} == {("permanent", samples.OWNER)}
    assert len({event.notification_id for event in told}) == 2
    assert not any(b"mailbox" in event.encode() for event in told)


async def test_what_was_given_up_for_no_recorded_reason_has_its_code(world):
    await tell_of_pages(world, [1, 2])
    await world.apply([failed(await first_notice(world), "bug")])
    assert {row.last_error for row in await world.deliveries()} == {"bug"}


async def test_what_is_about_no_document_is_keyed_by_notification(world):
    await world.tell(samples.task_failed(document_id=None, owner_id=None), targets=[HOOK])
    await world.apply([sent(await first_notice(world))])
    assert [row.status for row in await world.deliveries()] == ["sent"]
    [told] = await world.events()
    assert isinstance(told, NotificationSent)
    assert (told.document_id, told.owner_id) == (None, None)
    assert told.key == str(told.notification_id)
