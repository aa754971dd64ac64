import base64
import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from standardwebhooks.webhooks import Webhook

from libs.common.contracts.details import Details, FailureDetails
from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Permanent, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobRoute
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage
from services.notifier.channels.mail import Mailer, SmtpServer
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import Webhooks, webhook_client
from services.notifier.deliveries.deliverer import Deliverer
from services.notifier.deliveries.jobs import MAIL, WEBHOOK
from services.notifier.notices import TYPES, Target
from services.notifier.tests import samples
from services.notifier.tests.servers import Mailbox, Receiver, answer
from services.notifier.tests.world import World

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ANN = Target("mail", "ann@example.org", frozenset(TYPES))


def hook(receiver: Receiver) -> Target:
    return Target("webhook", receiver.url, frozenset(TYPES))


@asynccontextmanager
async def routes(
    world: World,
    targets: Sequence[Target],
    mailbox: Mailbox | None = None,
    metrics: Metrics | None = None,
    storage: MemoryStorage | None = None,
) -> AsyncIterator[list[JobRoute]]:
    """The service's jobs, sending for real."""
    async with webhook_client(allow_private=True) as client:
        deliverer = Deliverer(
            targets=targets,
            secret=world.secret,
            mailer=mailer_for(mailbox) if mailbox else None,
            webhooks=Webhooks(
                client=client,
                keys={target.address: [signing_key(SECRET)] for target in targets},
                timeout_s=5,
                allow_private=True,
            ),
            public_url="https://lectern.example.org",
            storage=storage or MemoryStorage(),
            metrics=metrics or Metrics("notifier"),
        )
        yield [MAIL.done_by(deliverer.mail, slots=2), WEBHOOK.done_by(deliverer.webhook, slots=2)]


def mailer_for(mailbox: Mailbox) -> Mailer:
    server = SmtpServer(host="127.0.0.1", port=mailbox.port, security="none", timeout_s=15)
    return Mailer(server, "lectern@example.org")


@pytest.mark.slow
async def test_from_event_to_mail_and_webhook(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    contents = await samples.stored(world.storage, samples.book_contents())
    event = samples.audiobook_ready(details=contents)
    await world.tell(event, targets=targets, schedule=samples.AT_ONCE)
    async with routes(world, targets, mailbox, storage=world.storage) as jobs:
        await world.work(jobs)
    [message], [request] = mailbox.messages, receiver.requests
    assert message["Subject"] == "Audiobook ready: The Räuber"
    assert "https://lectern.example.org/documents/" in message.get_content()
    posted = Webhook(SECRET).verify(request.body, request.headers)
    assert (posted["type"], posted["data"]) == ("audiobook.ready", json.loads(event.encode()))
    assert "Räuber" not in str(posted)
    rows = {row.channel: row for row in await world.deliveries()}
    assert {(row.status, row.attempts) for row in rows.values()} == {("sent", 1)}
    assert request.headers["webhook-id"] == str(rows["webhook"].notification_id)
    assert message["Message-ID"] == f"<{rows['mail'].notification_id}@example.org>"
    told = await world.events()
    assert {type(notification) for notification in told} == {NotificationSent}
    assert {notification.channel for notification in told} == {"mail", "webhook"}
    assert {notification.about_event for notification in told} == {event.event_id}
    assert {notification.owner_id for notification in told} == {samples.OWNER}


@pytest.mark.slow
async def test_what_a_mail_says_of_a_document_is_read_when_it_is_sent(world, mailbox):
    reason = await samples.stored(world.storage, samples.why("Sesame.txt is damaged."))
    details = world.storage.objects.pop(reason.key)
    await world.tell(samples.document_rejected(details=reason), targets=[ANN])
    [row], [job] = await world.deliveries(), await world.jobs()
    assert "Sesame" not in str(row) + job.payload.decode()
    world.storage.objects[reason.key] = details
    async with routes(world, [ANN], mailbox, storage=world.storage) as jobs:
        await world.work(jobs)
    assert "Why: Sesame.txt is damaged. (code encrypted)" in mailbox.messages[0].get_content()
    [told] = await world.events()
    assert b"Sesame" not in told.encode()
    assert "Sesame" not in str(await world.deliveries())


class Refusing(MemoryStorage):
    """A storage that does not accept our credentials."""

    async def read(self, key):
        raise Permanent("the storage refuses the credentials")


def gone(objects, ref):
    return MemoryStorage({key: data for key, data in objects.items() if key != ref.key})


def damaged(objects, ref):
    return MemoryStorage(objects | {ref.key: objects[ref.key].replace(b"Sesame", b"Sesane")})


def refused(objects, ref):
    return Refusing(objects)


@pytest.mark.slow
@pytest.mark.parametrize("left", [gone, damaged, refused])
async def test_without_its_details_a_mail_names_the_code(world, mailbox, left):
    reason = await samples.stored(world.storage, samples.why("Sesame.txt is damaged."))
    await world.tell(samples.document_rejected(details=reason), targets=[ANN])
    async with routes(world, [ANN], mailbox, storage=left(world.storage.objects, reason)) as jobs:
        await world.work(jobs)
    [message] = mailbox.messages
    assert "Why: code encrypted." in message.get_content().splitlines()
    assert [row.status for row in await world.deliveries()] == ["sent"]


@pytest.mark.slow
async def test_details_of_another_kind_are_no_details(world, mailbox):
    other = await samples.stored(world.storage, Details())
    events = [samples.audiobook_ready(details=other), samples.document_rejected(details=other)]
    await world.tell(*events, targets=[ANN])
    async with routes(world, [ANN], mailbox, storage=world.storage) as jobs:
        await world.work(jobs)
    texts = sorted(str(message["Subject"]) for message in mailbox.messages)
    assert texts == ["A document could not be read", "Audiobook ready: Untitled"]


class Away(MemoryStorage):
    """A storage that does not answer while it is ``away``."""

    away = True

    async def read(self, key):
        if self.away:
            raise Unavailable("the storage does not answer")
        return await super().read(key)


@pytest.mark.slow
async def test_a_mail_waits_for_a_storage_that_does_not_answer(world, mailbox):
    reason = await samples.stored(world.storage, samples.why())
    await world.tell(samples.document_rejected(details=reason), targets=[ANN])
    storage = Away(world.storage.objects)
    async with routes(world, [ANN], mailbox, storage=storage) as jobs:
        await world.work(jobs)
        assert mailbox.messages == []
        [row] = await world.deliveries()
        assert (row.status, row.last_error) == ("waiting", "the storage does not answer")
        storage.away = False
        await world.pass_time()
        await world.work(jobs)
    assert samples.WHY in mailbox.messages[0].get_content()


@pytest.mark.slow
async def test_what_became_of_a_narration_is_told_at_once(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    events = [samples.narration_completed(), samples.narration_failed()]
    await world.tell(*events, targets=targets)
    async with routes(world, targets, mailbox) as jobs:
        await world.work(jobs)
    assert {mail["Subject"] for mail in mailbox.messages} == {
        "A document can be heard, in part",
        "Nothing of a document could be spoken",
    }
    posted = [Webhook(SECRET).verify(sent.body, sent.headers) for sent in receiver.requests]
    assert {hooked["type"] for hooked in posted} == {"narration.completed", "narration.failed"}
    assert {json.dumps(hooked["data"]) for hooked in posted} == {
        json.dumps(json.loads(event.encode())) for event in events
    }


@pytest.mark.slow
async def test_failing_pages_are_one_mail_and_many_webhooks(world, mailbox, receiver):
    targets = [ANN, hook(receiver)]
    pages = [samples.audio_failed(page) for page in (2, 1, 3, 7)]
    await world.tell(*pages, targets=targets, schedule=samples.AT_ONCE)
    async with routes(world, targets, mailbox) as jobs:
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
    async with routes(world, [target]) as jobs:
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
    async with routes(world, [ANN], mailbox) as jobs:
        await world.work(jobs)
    [row] = await world.deliveries()
    why = "the mail server refused the recipient: 550 5.1.1"
    assert (row.status, row.attempts, row.last_error) == ("failed", 1, why)
    failed, task = await world.events()
    assert isinstance(failed, NotificationFailed)
    assert (failed.code, failed.owner_id) == ("permanent", samples.OWNER)
    assert isinstance(task, TaskFailed)
    assert (task.service, task.kind) == ("notifier", "mail")
    assert (task.document_id, task.owner_id) == (samples.DOCUMENT, samples.OWNER)
    assert task.details is not None
    assert (await read_details(world.storage, task.details, FailureDetails)).reason == why
    assert b"refused" not in failed.encode() + task.encode()


async def test_after_the_last_attempt_the_cause_is_told(world, receiver):
    target = hook(receiver)
    receiver.answers = [answer(502), answer(502)]
    twice = dataclasses.replace(samples.SCHEDULE, max_attempts=2)
    await world.tell(samples.audio_ready(), targets=[target], schedule=twice)
    async with routes(world, [target]) as jobs:
        await world.work(jobs)
        await world.pass_time()
        await world.work(jobs)
    failed, task = await world.events()
    assert isinstance(failed, NotificationFailed)
    assert isinstance(task, TaskFailed)
    assert failed.code == task.code == "transient"
    [row] = await world.deliveries()
    assert (row.status, row.last_error) == ("failed", "the receiver answered 502")
    assert task.details is not None
    details = await read_details(world.storage, task.details, FailureDetails)
    assert details.reason == "the receiver answered 502"
    assert b"receiver" not in failed.encode()


async def test_targets_that_are_not_configured_any_more(world, receiver, mailbox):
    target = hook(receiver)
    await world.tell(samples.audiobook_ready(), targets=[ANN, target])
    async with routes(world, [ANN]) as jobs:  # neither the webhook nor a mail server
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
    async with routes(world, [target]) as jobs:

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
    async with routes(world, [target], metrics=metrics) as jobs:
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
