from uuid import uuid4

import pytest
from sqlalchemy import select, update

from libs.common.store.tables import jobs
from services.gateway.accounts.links.asking import link_asked
from services.gateway.accounts.links.deciding import MOST_LINKS
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.tables import mail_links, users
from services.gateway.accounts.tests.people import ADA, BEA

pytestmark = pytest.mark.slow


async def ask(people, **asked):
    row = LinkRequest(**asked).row()
    async with people.world.kernel.transaction() as command:
        await command.apply(link_asked(row))
    return [mail for mail in await people.mails() if mail.mail_id == row.mail_id]


async def kept(people, *, of_use=False):
    found = select(mail_links.c.purpose, mail_links.c.user_id)
    if of_use:
        found = found.where(mail_links.c.used_at.is_(None))
    async with people.world.database.reading() as connection:
        return (await connection.execute(found)).all()


async def ask_at_once(people, count, **asked):
    """The mails that come of many requests at the same time, and how many links are kept."""
    before = len(await people.mails())
    async with people.world.kernel.transaction() as command:
        for _ in range(count):
            await command.apply(link_asked(LinkRequest(**asked).row()))
    return len(await people.mails()) - before


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
    assert len(await kept(people)) == before + len(kinds)
    if kinds == ["already_registered"]:
        assert await kept(people, of_use=True) == []
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


@pytest.mark.parametrize(
    ("purpose", "address"), [("reset", ADA), ("register", ADA), ("register", BEA)]
)
async def test_nobodys_mailbox_is_filled(people, purpose, address):
    async with people.browser() as browser:
        await people.make(browser)
    spent = purpose == "register" and address == ADA  # by registering
    asked = {"purpose": purpose, "address": address}
    assert await ask_at_once(people, 60, **asked) == MOST_LINKS - spent
    assert await ask_at_once(people, 1, **asked | {"address": address.upper()}) == 0
    assert await ask_at_once(people, 1, **asked | {"address": "other@example.org"}) == (
        purpose == "register"
    )


async def test_when_links_have_expired_mails_come_again(people):
    async with people.browser() as browser:
        await people.make(browser)
    assert await ask_at_once(people, 6, purpose="reset", address=ADA) == MOST_LINKS
    async with people.world.database.transaction() as connection:
        await connection.execute(update(mail_links).values(expires_at="2026-01-01T00:00:00Z"))
    assert await ask_at_once(people, 1, purpose="reset", address=ADA) == 1
