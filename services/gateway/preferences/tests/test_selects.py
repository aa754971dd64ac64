from uuid import uuid4

from services.gateway.preferences.rows import Preferences
from services.gateway.preferences.selects import (
    forget_preferences,
    keep_preferences,
    preferences_of,
)


async def test_what_is_kept_is_read_until_it_is_forgotten(world):
    somebody = uuid4()
    first = Preferences(engine="e", voice="v", rate=1.5)
    async with world.database.transaction() as connection:
        assert await preferences_of(connection, somebody) == Preferences()
        for preferred in (first, Preferences(rate=2.0)):
            await keep_preferences(connection, somebody, preferred)
            assert await preferences_of(connection, somebody) == preferred
        await forget_preferences(connection, somebody)
        assert await preferences_of(connection, somebody) == Preferences()
