from uuid import uuid4

import pytest
from sqlalchemy import select, update

from libs.common.contracts.permissions import Scope, ShareLevel
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.callers import Maker, digest_of
from services.gateway.accounts.tables import tokens, users
from services.gateway.accounts.tokens import NewToken, check_still_valid
from services.gateway.documents.public_links.commands import LinkCommands
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.kernel.errors import Forbidden
from services.gateway.tests.everything import account


async def test_a_token_says_whose_it_is(world):
    caller = await world.tokens.caller(world.token)
    assert (caller.user_id, caller.name) == (world.owner, "tester")
    assert await world.tokens.caller("lectern_wrong") is None


async def test_an_owner_may_have_several(world):
    owner, second = await world.tokens.create("laptop", owner_id=world.owner)
    assert owner == world.owner
    assert (await world.tokens.caller(second)).user_id == world.owner


async def test_a_revoked_token_is_none(world):
    [row] = await world.tokens.of_owner(world.owner)
    assert await world.tokens.revoke(row.token_id)
    assert not await world.tokens.revoke(row.token_id)
    assert not await world.tokens.revoke(world.owner)
    assert await world.tokens.caller(world.token) is None


async def test_an_expired_token_is_none(world):
    _, good = await world.tokens.create("week", valid_days=7)
    _, over = await world.tokens.create("past", valid_days=-1)
    assert await world.tokens.caller(good) is not None
    assert await world.tokens.caller(over) is None


async def test_the_token_itself_is_nowhere(world):
    async with world.database.reading() as connection:
        rows = (await connection.execute(select(tokens))).all()
    assert world.token not in repr(rows)
    listed = await world.tokens.listing()
    assert [token.name for token in listed] == ["tester"]
    assert world.token not in repr(listed)
    assert not hasattr(listed[0], "sha256")


async def test_a_token_is_good_for_its_scopes_and_no_others(world):
    _, all_ = await world.tokens.create("all")
    _, reading = await world.tokens.create("reading", scopes=frozenset({Scope.READ}))
    assert (await world.tokens.caller(all_)).scopes == frozenset(Scope)
    assert (await world.tokens.caller(reading)).scopes == {Scope.READ}


async def test_when_a_token_was_used_last_is_known_to_the_minute(world):
    _, token = await world.tokens.create("used")

    async def last_used():
        return {one.name: one.last_used_at for one in await world.tokens.listing()}["used"]

    assert await last_used() is None
    await world.tokens.caller(token)
    first = await last_used()
    assert first is not None
    await world.tokens.caller(token)
    assert await last_used() == first
    async with world.database.transaction() as connection:
        await connection.execute(update(tokens).values(last_used_at="2026-01-01T00:00:00.000000Z"))
    await world.tokens.caller(token)
    assert await last_used() >= first


async def test_tokens_of_a_user_who_was_disabled_are_none(world):
    user = users.insert().values(
        user_id=str(world.owner),
        created_at="2026-01-01T00:00:00.000000Z",
        is_staff=True,
        disabled_at=None,
    )
    async with world.database.transaction() as connection:
        await connection.execute(user)
    assert (await world.tokens.caller(world.token)).is_staff
    async with world.database.transaction() as connection:
        disabled_at = "2026-01-02T00:00:00.000000Z"
        await connection.execute(update(users).values(disabled_at=disabled_at))
    assert await world.tokens.caller(world.token) is None


def wanted(owner, **more):
    given = {"name": "new", "scopes": frozenset({Scope.READ}), "expires_at": None} | more
    return NewToken(token_id=uuid4(), owner_id=owner, **given)


async def test_what_has_ended_makes_no_token(world):
    _, over = await world.tokens.create("past", world.owner, valid_days=-1)
    [row] = await world.tokens.of_owner(world.owner)
    await world.tokens.revoke(row.token_id)
    for secret in (over, world.token, "lectern_wrong"):
        for is_session in (False, True):
            maker = Maker(digest_of(secret), is_session)
            assert await world.tokens.issue(wanted(world.owner), maker) is None
    assert await world.tokens.of_owner(world.owner) == []


async def test_a_token_is_no_more_than_what_makes_it(world):
    scopes = frozenset({Scope.ADMIN, Scope.READ})
    _, parent = await world.tokens.create("day", world.owner, valid_days=1, scopes=scopes)
    maker = Maker(digest_of(parent), is_session=False)
    with pytest.raises(Forbidden, match="may do more: write"):
        await world.tokens.issue(wanted(world.owner, scopes=scopes | {Scope.WRITE}), maker)
    issued = await world.tokens.issue(wanted(world.owner), maker)
    assert issued.secret not in repr(issued)
    ends = {one.name: one.expires_at for one in await world.tokens.of_owner(world.owner)}
    assert ends["new"] == ends["day"] == issued.expires_at


async def test_what_has_ended_gives_nobody_rights_that_last(world):
    """A request may have begun long before its body has come."""
    maker = Maker(digest_of(world.token), is_session=False)

    async def check(maker):
        async with world.database.transaction() as connection:
            await check_still_valid(connection, world.owner, maker)

    await check(maker)
    await check(None)
    [row] = await world.tokens.of_owner(world.owner)
    await world.tokens.revoke(row.token_id)
    for ended in (maker, Maker(digest_of("x"), is_session=True)):
        with pytest.raises(Forbidden, match="has ended meanwhile"):
            await check(ended)
    document, order = (
        await world.hand_in(),
        ShareOrder(
            address="bea@example.org", level=ShareLevel.VIEW_ONLY, expires_at=None, message=None
        ),
    )
    with pytest.raises(Forbidden):
        await ShareCommands(world.kernel, maker).grant(world.owner, document, order)
    with pytest.raises(Forbidden):
        await LinkCommands(world.kernel, maker).make(world.owner, document, None, None)


async def test_whose_account_was_closed_gives_nothing_either(world):
    await account(world, world.owner, "ada@example.org")
    await AccountClosing(world.kernel).disable(world.owner, None)
    async with world.database.transaction() as connection:
        with pytest.raises(Forbidden, match="closed"):
            await check_still_valid(connection, world.owner, None)
