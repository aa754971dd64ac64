"""What people can do about their preferences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.gateway.audio.selects import engines
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.preferences.rows import Preferences
from services.gateway.preferences.selects import keep_preferences, preferences_of


@dataclass(frozen=True)
class PreferenceCommands:
    """The commands."""

    kernel: Kernel

    async def read(self, owner_id: UUID) -> Preferences:
        """Return what somebody prefers."""
        async with self.kernel.database.reading() as connection:
            return await preferences_of(connection, owner_id)

    async def change(self, owner_id: UUID, changes: Mapping[str, Any]) -> Preferences:
        """Change some of what somebody prefers, by name, and return all of it.

        A voice of another engine takes its engine along, unless one is named with it.

        Raises:
            Rejected: There is no such engine or voice.
            Unavailable: No engine has announced itself yet.
        """
        if changes.get("voice") is not None:
            changes = {"engine": None, **changes}
        async with self.kernel.transaction() as command:
            connection = command.connection
            await lock_owner(connection, owner_id)
            known = await preferences_of(connection, owner_id)
            wanted = known.model_copy(update=dict(changes))
            if {"engine", "voice"} & changes.keys():
                wanted = wanted.checked(await engines(connection))
            await keep_preferences(connection, owner_id, wanted)
        return wanted
