from libs.common.contracts.accounts import UserDeleted
from services.gateway.preferences.rows import Preferences
from services.gateway.preferences.selects import preferences_of


async def test_preferences_go_with_the_account(world, client):
    _, token = await world.tokens.create("another owner")
    async with world.client(token) as other:
        for somebody in (client, other):
            await somebody.patch("/preferences", json={"rate": 2.0})
        async with world.kernel.transaction() as command:
            gone = UserDeleted(user_id=world.owner, deleted_by=None)
            await command.apply(world.kernel.record(gone))
        assert (await other.get("/preferences")).json()["rate"] == 2.0
    async with world.database.reading() as connection:
        assert await preferences_of(connection, world.owner) == Preferences()
