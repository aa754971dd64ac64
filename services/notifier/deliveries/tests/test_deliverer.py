import base64
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from standardwebhooks.webhooks import Webhook

from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobRoute
from services.notifier.channels.mail import Mailer, SmtpServer
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import Webhooks, webhook_client
from services.notifier.deliveries.deliverer import Deliverer, pause_s
from services.notifier.deliveries.jobs import MAIL, WEBHOOK
from services.notifier.notices import TYPES, Target
from services.notifier.tests import samples
from services.notifier.tests.servers import Mailbox, Receiver, answer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ANN = Target("mail", "ann@example.org", frozenset(TYPES))


def hook(receiver: Receiver) -> Target:
    return Target("webhook", receiver.url, frozenset(TYPES))


@asynccontextmanager
async def routes(
    targets: Sequence[Target], mailbox: Mailbox | None = None, metrics: Metrics | None = None
) -> AsyncIterator[list[JobRoute]]:
    """The service's jobs, sending for real."""
    async with webhook_client(allow_private=True) as client:
        deliverer = Deliverer(
            targets={target.key: target for target in targets},
            mailer=mailer_for(mailbox) if mailbox else None,
            webhooks=Webhooks(
                client=client, key=signing_key(SECRET), timeout_s=5, allow_private=True
            ),
            public_url="https://lectern.example.org",
            metrics=metrics or Metrics("notifier"),
        )
        yield [MAIL.done_by(deliverer.mail, slots=2), WEBHOOK.done_by(deliverer.webhook, slots=2)]


def mailer_for(mailbox: Mailbox) -> Mailer:
    server = SmtpServer(host="127.0.0.1", port=mailbox.port, security="none", timeout_s=15)
    return Mailer(server, "lectern@example.org")


@pytest.mark.slow
async def test_from_event_to_mail_and_webhook(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    event = samples.audiobook_ready()
    await world.tell(event, targets=targets, schedule=samples.AT_ONCE)
    async with routes(targets, mailbox) as jobs:
        await world.work(jobs)
    [message], [request] = mailbox.messages, receiver.requests
    assert message["Subject"] == "Audiobook ready: The Räuber"
    assert "https://lectern.example.org/documents/" in message.get_content()
    assert Webhook(SECRET).verify(request.body, request.headers)["type"] == "audiobook.ready"
    rows = {row.channel: row for row in await world.deliveries()}
    assert {(row.status, row.attempts) for row in rows.values()} == {("sent", 1)}
    assert request.headers["webhook-id"] == str(rows["webhook"].notification_id)
    assert message["Message-ID"] == f"<{rows['mail'].notification_id}@example.org>"
    told = await world.events()
    assert {type(notification) for notification in told} == {NotificationSent}
    assert {notification.channel for notification in told} == {"mail", "webhook"}
    assert {notification.about for notification in told} == {event.event_id}


@pytest.mark.slow
async def test_failing_pages_are_one_mail_and_many_webhooks(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    pages = [samples.audio_failed(page) for page in (2, 1, 3, 7)]
    await world.tell(*pages, targets=targets, schedule=samples.AT_ONCE)
    async with routes(targets, mailbox) as jobs:
        await world.work(jobs)
    assert [mail["Subject"] for mail in mailbox.messages] == ["Pages 1-3 and 7 could not be spoken"]
    assert len(receiver.requests) == 4
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 4
    assert len(await world.events()) == 8


@pytest.mark.slow
async def test_a_busy_receiver_is_tried_again_under_the_same_id(world, receiver):
    target = hook(receiver)
    receiver.answers = [answer(500), answer(429, "Retry-After: 3000")]
    await world.tell(samples.audio_ready(), targets=[target])
    async with routes([target]) as jobs:
        for wait_ms, status in [(5_000, "500"), (3_000_000, "429")]:
            await world.work(jobs)
            [row], [job] = await world.deliveries(), await world.jobs()
            assert (row.status, row.last_error) == ("waiting", f"the receiver answered {status}")
            assert job.run_at_ms - row.attempted_at_ms >= wait_ms
            await world.pass_time()
        await world.work(jobs)
    [row] = await world.deliveries()
    assert (row.status, row.attempts, row.last_error) == ("sent", 3, None)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {
        str(row.notification_id)
    }
    assert len(receiver.requests) == 3


@pytest.mark.slow
async def test_a_refused_mail_is_a_failed_notification(world, mailbox):
    mailbox.recipient_answers = ["550 5.1.1 <ann@example.org> unknown"]
    await world.tell(samples.document_rejected(), targets=[ANN])
    async with routes([ANN], mailbox) as jobs:
        await world.work(jobs)
    [row] = await world.deliveries()
    assert (row.status, row.attempts) == ("failed", 1)
    failed, task = await world.events()
    assert isinstance(failed, NotificationFailed)
    assert failed.reason == "the mail server refused the recipient: 550 5.1.1"
    assert isinstance(task, TaskFailed)
    assert (task.service, task.kind) == ("notifier", "mail")


async def test_after_the_last_attempt_the_cause_is_told(world, receiver):
    target = hook(receiver)
    receiver.answers = [answer(502), answer(502)]
    twice = dataclasses.replace(samples.SCHEDULE, max_attempts=2)
    await world.tell(samples.audio_ready(), targets=[target], schedule=twice)
    async with routes([target]) as jobs:
        await world.work(jobs)
        await world.pass_time()
        await world.work(jobs)
    failed = (await world.events())[0]
    assert isinstance(failed, NotificationFailed)
    assert (failed.code, failed.reason) == ("transient", "the receiver answered 502")


async def test_targets_that_are_not_configured_any_more(world, receiver, mailbox):
    target = hook(receiver)
    await world.tell(samples.audiobook_ready(), targets=[ANN, target])
    async with routes([ANN]) as jobs:  # neither the webhook nor a mail server
        await world.work(jobs)
    assert {(row.channel, row.last_error) for row in await world.deliveries()} == {
        ("mail", "no mail server is configured any more"),
        ("webhook", "the target is not configured any more"),
    }


@pytest.mark.slow
async def test_a_job_that_died_after_sending_sends_again_under_the_same_id(world, receiver):
    """What a kill between the receiver's answer and our commit looks like."""
    target = hook(receiver)
    await world.tell(samples.audio_ready(), targets=[target])
    async with routes([target]) as jobs:

        async def killed(job):
            await jobs[1].run(job)
            raise ConnectionAbortedError

        await world.work([WEBHOOK.done_by(killed)])
        [row] = await world.deliveries()
        assert (row.status, row.attempts) == ("sending", 1)
        await world.pass_time()
        await world.work(jobs)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    [row] = await world.deliveries()
    assert (row.status, row.attempts) == ("sent", 2)
    assert len(await world.events()) == 1


async def test_every_attempt_is_counted_by_what_became_of_it(world, receiver):
    target, metrics = hook(receiver), Metrics("notifier")
    receiver.answers = [answer(500), answer(204), answer(404)]
    await world.tell(samples.audio_ready(), targets=[target])
    async with routes([target], metrics=metrics) as jobs:
        await world.work(jobs)
        await world.pass_time()
        await world.work(jobs)
        await world.tell(samples.audio_ready(2), targets=[target])
        await world.work(jobs)
    counted = {
        outcome: metrics.notifications_total.labels(channel="webhook", outcome=outcome)._value.get()
        for outcome in ("retried", "sent", "refused")
    }
    assert counted == {"retried": 1, "sent": 1, "refused": 1}


def test_twelve_attempts_last_most_of_a_day():
    pauses = [pause_s(attempt) for attempt in range(1, 12)]
    assert pauses[0] == 5
    assert pauses == sorted(pauses)
    assert 18 * 3600 < sum(pauses) < 30 * 3600
    assert pause_s(1000) == pauses[-1]
