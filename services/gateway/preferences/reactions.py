"""What somebody preferred goes with the account."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.accounts import UserDeleted
from libs.common.contracts.base import Event
from libs.common.store.effects import Effect
from services.gateway.kernel.record import Kernel, Reaction
from services.gateway.preferences.selects import forget_preferences


def _user_deleted(_kernel: Kernel, event: UserDeleted) -> Sequence[Effect]:
    async def forget(connection: AsyncConnection) -> Sequence[Effect]:
        await forget_preferences(connection, event.user_id)
        return []

    return [forget]


REACTIONS: Mapping[type[Event], Reaction] = {UserDeleted: _user_deleted}
