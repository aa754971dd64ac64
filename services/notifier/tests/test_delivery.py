import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from standardwebhooks.webhooks import Webhook

from libs.common.events import NotificationFailed, NotificationSent, TaskFailed
from libs.common.worker import JobRoute, work
from services.notifier.delivery import Postman, gave_up, pause_s
from services.notifier.handlers import Notifier
from services.notifier.ledger import Pace
from services.notifier.mail import Mailer, SmtpServer
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.signing import signing_key
from services.notifier.tests import samples
from services.notifier.tests.servers import Mailbox, Receiver, answer
from services.notifier.webhooks import Webhooks, webhook_client

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ANN = Target("mail", "ann@example.org", frozenset(TYPES))
PACE = Pace(batch_wait_ms=0, batch_interval_ms=0)


def hook(receiver: Receiver) -> Target:
    return Target("webhook", receiver.url, frozenset(TYPES))


@asynccontextmanager
async def routes(
    targets: Sequence[Target], mailbox: Mailbox | None = None
) -> AsyncIterator[list[JobRoute]]:
    """The service's jobs, sending for real."""
    server = SmtpServer("127.0.0.1", mailbox.port, "none") if mailbox else None
    async with webhook_client(allow_private=True) as client:
        postman = Postman(
            {each.key: each for each in targets},
            Mailer(server, "lectern@example.org") if server else None,
            Webhooks(client, signing_key(SECRET), timeout_s=5),
            "https://lectern.example.org",
        )
        yield [
            work("mail", Notice, postman.mail, gave_up, slots=2),
            work("webhook", Notice, postman.webhook, gave_up, slots=2),
        ]


async def test_from_event_to_mail_and_webhook(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    event = samples.audiobook_ready()
    await world.apply(await Notifier(targets, PACE).tell(event))
    async with routes(targets, mailbox) as jobs:
        await world.work(jobs)
    [message], [request] = mailbox.messages, receiver.requests
    assert message["Subject"] == "Audiobook ready: The Räuber"
    assert "https://lectern.example.org/documents/" in message.get_content()
    assert Webhook(SECRET).verify(request.body, request.headers)["type"] == "audiobook.ready"
    rows = {row.channel: row for row in await world.deliveries()}
    assert {(row.status, row.attempts) for row in rows.values()} == {("sent", 1)}
    assert request.headers["webhook-id"] == rows["webhook"].notification_id
    assert message["Message-ID"] == f"<{rows['mail'].notification_id}@example.org>"
    told = await world.events()
    assert {type(each) for each in told} == {NotificationSent}
    assert {each.channel for each in told} == {"mail", "webhook"}
    assert {each.about for each in told} == {event.event_id}


async def test_failing_pages_are_one_mail_and_many_webhooks(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    for page in (2, 1, 3, 7):
        await world.apply(await Notifier(targets, PACE).tell(samples.audio_failed(page)))
    async with routes(targets, mailbox) as jobs:
        await world.work(jobs)
    assert [each["Subject"] for each in mailbox.messages] == ["Pages 1-3 and 7 could not be spoken"]
    assert len(receiver.requests) == 4
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 4
    assert len(await world.events()) == 8


async def test_a_busy_receiver_is_tried_again_under_the_same_id(world, receiver):
    target = hook(receiver)
    receiver.answers = [answer(500), answer(429, "Retry-After: 3000")]
    await world.apply(await Notifier([target], PACE).tell(samples.audio_ready()))
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
    assert {each.headers["webhook-id"] for each in receiver.requests} == {row.notification_id}
    assert len(receiver.requests) == 3


async def test_a_refused_mail_is_a_failed_notification(world, mailbox):
    mailbox.recipient_answers = ["550 5.1.1 <ann@example.org> unknown"]
    await world.apply(await Notifier([ANN], PACE).tell(samples.document_rejected()))
    async with routes([ANN], mailbox) as jobs:
        await world.work(jobs)
    [row] = await world.deliveries()
    assert (row.status, row.attempts) == ("failed", 1)
    failed, task = await world.events()
    assert isinstance(failed, NotificationFailed)
    assert failed.reason == "the mail server refused the recipient: 550 5.1.1"
    assert isinstance(task, TaskFailed)
    assert (task.service, task.kind) == ("notifier", "mail")
    assert await Notifier([ANN], PACE).tell_task(task) == []


async def test_after_the_last_attempt_the_cause_is_told(world, receiver):
    target = hook(receiver)
    receiver.answers = [answer(502), answer(502)]
    pace = Pace(max_attempts=2)
    await world.apply(await Notifier([target], pace).tell(samples.audio_ready()))
    async with routes([target]) as jobs:
        await world.work(jobs)
        await world.pass_time()
        await world.work(jobs)
    failed = (await world.events())[0]
    assert isinstance(failed, NotificationFailed)
    assert (failed.code, failed.reason) == ("transient", "the receiver answered 502")


async def test_targets_that_are_not_configured_any_more(world, receiver, mailbox):
    target = hook(receiver)
    await world.apply(await Notifier([ANN, target], PACE).tell(samples.audiobook_ready()))
    async with routes([ANN]) as jobs:  # neither the webhook nor a mail server
        await world.work(jobs)
    assert {(row.channel, row.last_error) for row in await world.deliveries()} == {
        ("mail", "no mail server is configured any more"),
        ("webhook", "the target is not configured any more"),
    }


async def test_a_job_that_died_after_sending_sends_again_under_the_same_id(world, receiver):
    """What a kill between the receiver's answer and our commit looks like."""
    target = hook(receiver)
    await world.apply(await Notifier([target], PACE).tell(samples.audio_ready()))
    async with routes([target]) as jobs:

        async def killed(job):
            await jobs[1].run(job)
            raise ConnectionAbortedError

        dying = work("webhook", Notice, killed, gave_up)
        await world.work([dying])
        [row] = await world.deliveries()
        assert (row.status, row.attempts) == ("sending", 1)
        await world.pass_time()
        await world.work(jobs)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    [row] = await world.deliveries()
    assert (row.status, row.attempts) == ("sent", 2)
    assert len(await world.events()) == 1


def test_twelve_attempts_last_most_of_a_day():
    pauses = [pause_s(attempt) for attempt in range(1, 12)]
    assert pauses[0] == 5
    assert pauses == sorted(pauses)
    assert 18 * 3600 < sum(pauses) < 30 * 3600
    assert pause_s(1000) == pauses[-1]
