from sqlalchemy import select

from services.gateway.accounts.tables import tokens


async def test_a_token_says_whose_it_is(world):
    caller = await world.tokens.caller(world.token)
    assert (caller.owner_id, caller.name) == (world.owner, "tester")
    assert await world.tokens.caller("lectern_wrong") is None


async def test_an_owner_may_have_several(world):
    owner, second = await world.tokens.create("laptop", owner_id=world.owner)
    assert owner == world.owner
    assert (await world.tokens.caller(second)).owner_id == world.owner


async def test_a_revoked_token_is_none(world):
    assert await world.tokens.revoke("tester") == 1
    assert await world.tokens.revoke("tester") == 0
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
