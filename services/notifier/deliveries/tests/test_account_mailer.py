from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.details import DETAILS, MailDetails
from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.mail_links import MailLinks
from libs.common.observability.metrics import Metrics
from services.notifier.channels.mail import Mailer, SmtpServer
from services.notifier.deliveries.account_mailer import AccountMailer
from services.notifier.deliveries.jobs import ACCOUNT_MAIL, FORGET_MAIL
from services.notifier.handlers import Notifier
from services.notifier.recipients import Recipients
from services.notifier.tests import samples

MAIL = UUID("5f3e6d0a-9c1b-4c52-8f2e-2f6d1f5b7a10")
LINKS = MailLinks.read("a key of thirty-two characters, not more".replace(",", ";"))
ADA = "ada@example.org"


async def asked(world, kind="verify_address", valid=timedelta(hours=1), below=MAIL):
    details = MailDetails(address=ADA, language="en", about_address=None)
    stored = await world.storage.write(f"mails/{below}/x.json", details.encode(), DETAILS)
    until = datetime.now(UTC) + valid
    return AccountMailRequested(mail_id=MAIL, kind=kind, valid_until=until, details=stored)


async def take(world, *events):
    notifier = Notifier(
        targets=(),
        schedule=samples.SCHEDULE,
        max_age=timedelta(days=7),
        secret=world.secret,
        recipients=Recipients(world.storage),
    )
    for event in events:
        await world.apply(await notifier.mail_about_account(event))


def sender(world, mailbox=None):
    server = (
        SmtpServer(host="127.0.0.1", port=mailbox.port, security="none", timeout_s=15)
        if (mailbox)
        else None
    )
    return AccountMailer(
        mailer=Mailer(server, "lectern@example.org") if server else None,
        links=LINKS,
        public_url="https://lectern.example.org/",
        storage=world.storage,
        metrics=Metrics("notifier"),
    )


async def work(world, mailer):
    await world.work([ACCOUNT_MAIL.done_by(mailer.send), FORGET_MAIL.done_by(mailer.forget)])


@pytest.mark.slow
async def test_from_event_to_mail_and_nothing_is_left_of_it(world, mailbox):
    event = await asked(world)
    await take(world, event, event)
    await work(world, sender(world, mailbox))
    [message] = mailbox.messages
    link = f"https://lectern.example.org{LINKS.path(MAIL)}"
    assert message["To"] == ADA
    assert link in message.get_content().splitlines()
    [row] = await world.deliveries()
    assert (row.status, row.target, row.owner_id) == ("sent", "accounts", None)
    [told] = await world.events()
    assert isinstance(told, NotificationSent)
    assert (told.about_event, told.about_type) == (event.event_id, "account.mail_requested")
    assert world.storage.objects == {}
    assert ADA not in str(await world.deliveries()) + told.encode().decode()


@pytest.mark.slow
async def test_neither_address_nor_secret_is_in_a_job(world):
    await take(world, await asked(world))
    [job] = await world.jobs()
    assert ADA.encode() not in job.payload
    assert LINKS.path(MAIL).rpartition("/")[2].encode() not in job.payload


@pytest.mark.slow
async def test_a_server_that_is_down_is_tried_again_and_the_object_waits(world, mailbox):
    mailbox.recipient_answers = ["451 4.3.0 later"]
    await take(world, await asked(world))
    await work(world, sender(world, mailbox))
    assert world.storage.objects
    await world.pass_time()
    await work(world, sender(world, mailbox))
    assert len(mailbox.messages) == 1
    assert world.storage.objects == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mailer": None}, "no mail server is configured"),
        ({"links": None}, "links need LECTERN_MAIL_LINK_KEY and NOTIFIER_PUBLIC_URL"),
        ({"public_url": None}, "links need LECTERN_MAIL_LINK_KEY and NOTIFIER_PUBLIC_URL"),
    ],
)
async def test_what_cannot_be_sent_is_given_up_and_forgotten(world, mailbox, change, why):
    await take(world, await asked(world))
    await work(world, replace(sender(world, mailbox), **change))
    [row] = await world.deliveries()
    assert (row.status, row.last_error) == ("failed", why)
    assert any(isinstance(event, NotificationFailed) for event in await world.events())
    assert (world.storage.objects, mailbox.messages) == ({}, [])


async def test_a_mail_that_comes_too_late_is_not_sent(world):
    await take(world, await asked(world, valid=timedelta(seconds=-1)))
    await work(world, sender(world))
    [row] = await world.deliveries()
    assert row.status == "expired"
    assert world.storage.objects == {}


@pytest.mark.slow
async def test_what_is_of_another_mail_is_not_read(world, mailbox):
    await take(world, await asked(world, below=UUID(int=3)))
    await work(world, sender(world, mailbox))
    [row] = await world.deliveries()
    assert (row.status, mailbox.messages) == ("failed", [])
