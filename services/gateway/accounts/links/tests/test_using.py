from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import delete

from services.gateway.accounts.links.asking import link_asked
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.links.using import MailLinkUse
from services.gateway.accounts.tables import mail_links
from services.gateway.accounts.tests.people import ADA, BEA, LINKS
from services.gateway.accounts.users import user_at
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def made(people, **asked):
    row = LinkRequest(**asked).row()
    async with people.world.kernel.transaction() as command:
        await command.apply(link_asked(row, mailed=False))
    return row


def secret(link):
    return LINKS.path(link.mail_id).rpartition("/")[2]


async def test_who_was_invited_has_the_id_and_the_rights_that_the_link_says(people):
    owner, links = uuid4(), MailLinkUse(people.world.kernel)
    row = await made(people, purpose="invite", address=ADA, user_id=owner, is_staff=True)
    found = await links.look(row.mail_id, secret(row))
    assert await links.use(found, "hash", ADA) == owner
    async with people.world.database.reading() as connection:
        user = await user_at(connection, ADA)
    assert user is not None
    assert (user.user_id, user.is_staff, user.hash) == (owner, True, "hash")


async def test_an_address_is_added_to_who_asked_for_it(people):
    async with people.browser() as browser:
        ada = await people.make(browser)
    links = MailLinkUse(people.world.kernel)
    row = await made(people, purpose="add_address", address=BEA, user_id=ada)
    assert await links.use(row, None, BEA) == ada
    async with people.world.database.reading() as connection:
        user = await user_at(connection, BEA)
    assert user is not None
    assert (user.user_id, user.address) == (ada, ADA), "the first one stays the primary one"


@pytest.mark.parametrize("purpose", ["reset", "add_address"])
async def test_a_link_for_who_is_gone_is_of_no_use(people, purpose):
    links = MailLinkUse(people.world.kernel)
    row = await made(people, purpose=purpose, address=BEA, user_id=uuid4())
    for link in (row, replace(row, user_id=None)):
        with pytest.raises(NotFound):
            await links.use(link, "hash", BEA)


async def test_what_somebody_used_meanwhile_makes_nothing(people):
    links = MailLinkUse(people.world.kernel)
    row = await made(people, purpose="invite", address=ADA)
    async with people.world.database.transaction() as connection:
        await connection.execute(delete(mail_links))
    with pytest.raises(NotFound):
        await links.use(row, "hash", ADA)
    async with people.world.database.reading() as connection:
        assert await user_at(connection, ADA) is None
