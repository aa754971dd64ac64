from typing import get_args

from libs.common.contracts.notifications import NotificationFailed
from libs.common.processing.failures import GivenUp
from services.notifier.deliveries.jobs import BY_CHANNEL, notification_failed
from services.notifier.notices import TYPES, Channel, Notice, Target
from services.notifier.tests import samples

HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))


def test_every_channel_has_a_kind_of_its_name():
    assert {channel: kind.name for channel, kind in BY_CHANNEL.items()} == {
        channel: channel for channel in get_args(Channel)
    }


async def test_a_job_that_is_given_up_fails_its_notification(world):
    event = samples.audio_ready()
    await world.tell(event, targets=[HOOK])
    notice = Notice.of(event, HOOK, await world.secret.identities())
    await world.apply(notification_failed(notice, GivenUp("gone", samples.REF)))
    [told] = await world.events()
    assert isinstance(told, NotificationFailed)
    assert (told.about_event, told.code) == (event.event_id, "gone")
