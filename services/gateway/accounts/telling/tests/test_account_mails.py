from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.details import MailDetails
from libs.common.errors import ObjectNotFound, Rejected
from libs.common.storage.details import read_details
from libs.common.store.tables import jobs
from services.gateway.accounts.telling.account_mails import AccountMail, AccountMails
from services.gateway.tests.world import do_jobs

ADDRESS = "Ada.Reader@example.org"


def a_mail(valid=timedelta(hours=1)):
    return AccountMail(
        mail_id=uuid4(),
        kind="reset_password",
        address=ADDRESS,
        language="en",
        valid_until=datetime.now(UTC) + valid,
    )


async def ask(world, mail):
    async with (
        AccountMails(world.kernel).storing(mail) as effects,
        world.kernel.transaction() as command,
    ):
        await command.apply(effects)


async def test_the_event_says_neither_the_address_nor_a_secret(world):
    mail = a_mail()
    await ask(world, mail)
    [event] = await world.decided(AccountMailRequested)
    assert (event.mail_id, event.kind, event.valid_until) == (
        mail.mail_id,
        mail.kind,
        mail.valid_until,
    )
    assert ADDRESS.encode() not in event.encode()
    assert ADDRESS not in repr(mail)
    details = await read_details(world.storage, event.details, MailDetails)
    assert (details.address, details.language) == (ADDRESS, "en")


async def test_what_nobody_asked_for_in_the_end_is_removed(world):
    async def refuse():
        async with AccountMails(world.kernel).storing(a_mail()):
            raise Rejected("no", "No.")

    with pytest.raises(Rejected):
        await refuse()
    await do_jobs(world.assembly.parts)
    assert await world.decided(AccountMailRequested) == []
    async with world.database.reading() as connection:
        left = (await connection.scalars(select(jobs.c.payload))).all()
    assert all(b"mails/" in payload for payload in left)


async def test_what_no_notifier_removed_goes_when_the_link_is_of_no_use(world):
    await ask(world, a_mail(valid=timedelta(hours=-1)))
    [event] = await world.decided(AccountMailRequested)
    await do_jobs(world.assembly.parts)
    with pytest.raises(ObjectNotFound):
        await world.storage.read(event.details.key)
