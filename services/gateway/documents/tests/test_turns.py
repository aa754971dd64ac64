from services.gateway.documents.turns import turn_of_owner


async def test_owners_have_their_turn_before_anything_is_decided(world):
    one, other = await world.hand_in(), await world.hand_in()
    first, second = turn_of_owner(one), turn_of_owner(other)
    assert (first.turn, first.step) == ("first", second.step)
    async with world.database.transaction() as connection:
        assert await first.step(connection, [one, other]) == []
