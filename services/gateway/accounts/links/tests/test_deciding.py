from uuid import uuid4

import pytest
from sqlalchemy import select, update

from libs.common.store.tables import jobs
from services.gateway.accounts.links.asking import link_asked
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.tables import mail_links, users
from services.gateway.accounts.tests.people import ADA, BEA

pytestmark = pytest.mark.slow


async def ask(people, **asked):
    row = LinkRequest(**asked).row()
    async with people.world.kernel.transaction() as command:
        await command.apply(link_asked(row))
    return [mail for mail in await people.mails() if mail.mail_id == row.mail_id]


async def kept(people):
    async with people.world.database.reading() as connection:
        return (await connection.execute(select(mail_links.c.purpose, mail_links.c.user_id))).all()


@pytest.mark.parametrize(
    ("purpose", "address", "kinds"),
    [
        ("register", BEA, ["verify_address"]),
        ("register", ADA, ["already_registered"]),
        ("add_address", BEA, ["address_added"]),
        ("add_address", ADA, ["already_registered"]),
        ("reset", ADA, ["reset_password"]),
        ("reset", BEA, []),
        ("invite", BEA, ["invitation"]),
    ],
)
async def test_what_becomes_of_a_link(people, purpose, address, kinds):
    async with people.browser() as browser:
        ada = await people.make(browser)
    user = uuid4() if purpose == "add_address" else None
    before = len(await kept(people))
    mails = await ask(people, purpose=purpose, address=address, user_id=user)
    assert [mail.kind for mail in mails] == kinds
    assert {mail.address for mail in mails} <= {address}
    is_good = bool(kinds) and kinds != ["already_registered"]
    assert len(await kept(people)) == before + is_good
    if purpose == "reset" and kinds:
        assert ("reset", str(ada)) in await kept(people)


async def test_nobody_is_mailed_an_address_that_they_have(people):
    async with people.browser() as browser:
        ada = await people.make(browser)
    assert await ask(people, purpose="add_address", address=ADA, user_id=ada) == []


@pytest.mark.parametrize("purpose", ["reset", "register"])
async def test_what_only_compares_equal_is_sent_nothing(people, purpose):
    """Or whoever owns the other domain could set the password."""
    async with people.browser() as browser:
        await people.make(browser, "ada@strasse.example")
    [mail] = await ask(people, purpose=purpose, address="ada@straße.example")
    assert mail.address == "ada@strasse.example"


async def test_who_is_disabled_cannot_reset(people):
    async with people.browser() as browser:
        await people.make(browser)
    async with people.world.database.transaction() as connection:
        await connection.execute(update(users).values(disabled_at="2026-01-01T00:00:00Z"))
    assert await ask(people, purpose="reset", address=ADA) == []


async def test_what_has_expired_is_forgotten(people):
    await ask(people, purpose="register", address=BEA)
    async with people.world.database.transaction() as connection:
        await connection.execute(update(jobs).values(run_at_ms=0))
    await people.world.work()
    assert await kept(people) == []
