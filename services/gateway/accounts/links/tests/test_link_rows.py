from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

from services.gateway.accounts.links.link_rows import (
    GOOD_FOR,
    LinkRequest,
    add_link,
    addressed_link,
    find_link,
    removed_link,
    use_link,
)
from services.gateway.accounts.tables import mail_links

ADA = " Ada@example.org"


def a_link(purpose="register", **more):
    return LinkRequest(purpose=purpose, address=ADA, **more).row()


async def test_a_link_is_found_until_it_is_used(world):
    link = a_link(password_hash="kept")
    async with world.database.transaction() as connection:
        await add_link(connection, link)
        assert await find_link(connection, link.mail_id) == link
        assert await use_link(connection, link.mail_id)
        assert not await use_link(connection, link.mail_id)
        assert await find_link(connection, link.mail_id) is None
        [row] = (await connection.execute(select(mail_links))).all()
    assert row.password_hash is None, "it is kept elsewhere now"


async def test_what_was_never_made_is_not_used(world):
    async with world.database.transaction() as connection:
        assert await find_link(connection, uuid4()) is None
        assert not await use_link(connection, uuid4())


async def test_a_link_is_somebodys_and_goes_with_them(world):
    mine, foreign, user = a_link("reset"), a_link("reset"), uuid4()
    async with world.database.transaction() as connection:
        for link in (mine, foreign):
            await add_link(connection, link)
        await connection.execute(addressed_link(mine.mail_id, user))
        found = await find_link(connection, mine.mail_id)
        assert found is not None
        assert found.user_id == user
        await connection.execute(removed_link(mine.mail_id))
        assert await find_link(connection, mine.mail_id) is None
        assert await find_link(connection, foreign.mail_id) == foreign
        await connection.execute(removed_link(foreign.mail_id))
        assert await find_link(connection, foreign.mail_id) is None


def test_a_reset_is_good_for_an_hour_and_others_for_three_days():
    assert GOOD_FOR["reset"] == timedelta(hours=1)
    assert {span for purpose, span in GOOD_FOR.items() if purpose != "reset"} == {timedelta(days=3)}
    assert a_link("reset").takes_password
    assert not a_link().takes_password


def test_nothing_personal_is_shown():
    link = a_link(password_hash="kept")
    assert "xample.org" not in repr(link)
    assert "kept" not in repr(link)
    assert (link.address, link.folded) == ("Ada@example.org", "ada@example.org")
