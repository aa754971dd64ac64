"""What people can do about their preferences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.gateway.accounts.languages import change_language
from services.gateway.accounts.users import user_of
from services.gateway.audio.selects import engines
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.preferences.rows import PreferencesView
from services.gateway.preferences.selects import keep_preferences, preferences_of


@dataclass(frozen=True)
class PreferenceCommands:
    """The commands."""

    kernel: Kernel

    async def read(self, owner_id: UUID) -> PreferencesView:
        """Return what somebody prefers."""
        async with self.kernel.database.reading() as connection:
            known = await preferences_of(connection, owner_id)
            user = await user_of(connection, owner_id)
        return PreferencesView(**dict(known), language=None if user is None else user.language)

    async def change(self, owner_id: UUID, wanted: Mapping[str, Any]) -> PreferencesView:
        """Change some of what somebody prefers, by name, and return all of it.

        A voice of another engine takes its engine along, unless one is named with it.

        Raises:
            Rejected: There is no such engine or voice.
            Unavailable: No engine has announced itself yet.
            NotFound: A language is named, and there is no account.
        """
        changes = dict(wanted)
        if "language" in changes:
            await change_language(self.kernel, owner_id, changes.pop("language"))
        if changes:
            await self._change(owner_id, changes)
        return await self.read(owner_id)

    async def _change(self, owner_id: UUID, changes: Mapping[str, Any]) -> None:
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
