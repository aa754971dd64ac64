from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.details import DETAILS, MailDetails, ShareMailDetails
from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.contracts.sharing import ShareMailRequested
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
        await world.apply(await notifier.mail_somebody(event))


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


async def shared(world, below=MAIL, **said):
    given = {
        "address": ADA,
        "language": "en",
        "document_id": UUID(int=7),
        "title": "The Sea\r\nBcc: everybody@example.org",
        "shared_by": "bea@example.org",
        "level": "can_share",
        "message": "Read this.\n.\nSubject: mine",
        "audience": "user",
    }
    details = ShareMailDetails.model_validate(given | said)
    stored = await world.storage.write(f"mails/{below}/x.json", details.encode(), DETAILS)
    until = datetime.now(UTC) + timedelta(hours=1)
    return ShareMailRequested(mail_id=MAIL, valid_until=until, details=stored)


@pytest.mark.slow
async def test_who_is_given_a_share_gets_one_mail_and_nothing_is_left_of_it(world, mailbox):
    event = await shared(world)
    again = event.model_copy(update={"event_id": UUID(int=9)})
    await take(world, event, event, again)
    await work(world, sender(world, mailbox))
    [message] = mailbox.messages
    assert message["To"] == ADA
    assert mailbox.recipients == [ADA]
    assert message["Bcc"] is None
    assert message["Subject"].startswith("bea@example.org shared “The Sea Bcc: every")
    assert message.get_content_type() == "text/plain"
    lines = message.get_content().splitlines()
    assert f"https://lectern.example.org/documents/{UUID(int=7)}" in lines
    assert {"> Read this.", "> .", "> Subject: mine"} < set(lines)
    [row] = await world.deliveries()
    assert (row.status, row.type) == ("sent", "share.mail_requested")
    assert world.storage.objects == {}
    recorded = str(await world.deliveries()) + str([e.encode() for e in await world.events()])
    for secret in (ADA, "bea@", "The Sea", "Read this"):
        assert secret not in recorded
        assert secret.encode() not in b"".join(job.payload for job in await world.jobs())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("audience", "change", "line"),
    [
        ("invited", {}, f"https://lectern.example.org{LINKS.path(MAIL)}"),
        ("invited", {"links": None}, None),
        ("uninvited", {}, None),
        ("user", {"public_url": None}, "Log in to open it."),
    ],
)
async def test_the_mail_is_of_use_whatever_the_installation_lacks(
    world, mailbox, audience, change, line
):
    await take(world, await shared(world, audience=audience))
    await work(world, replace(sender(world, mailbox), **change))
    [message] = mailbox.messages
    body = message.get_content()
    if line is None:
        assert "you need an account with the address ada@example.org" in body
        assert "http" not in body
    else:
        assert line in body.splitlines()


@pytest.mark.slow
async def test_what_is_said_of_another_share_is_not_read(world, mailbox):
    await take(world, await shared(world, below=UUID(int=3)))
    await work(world, sender(world, mailbox))
    [row] = await world.deliveries()
    assert (row.status, mailbox.messages) == ("failed", [])
