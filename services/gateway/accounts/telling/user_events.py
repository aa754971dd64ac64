"""Events about users. Their addresses are in objects, which go with them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from libs.common.contracts.accounts import (
    UserAddressAdded,
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, UserDetails
from libs.common.store.effects import Effect
from services.gateway.kernel.jobs import RemovePendingJob, removal
from services.gateway.kernel.pending import PendingObjects, taken
from services.gateway.kernel.record import Kernel

REPLACED_FOR_MS = 24 * 3600 * 1000
"""How long an address that was replaced stays readable, for those who are late."""


@dataclass(frozen=True, kw_only=True)
class UserAddress:
    """Where a user is written to; of ``user_id``, who may not exist yet."""

    user_id: UUID
    address: str = field(repr=False)
    language: str


@dataclass(frozen=True)
class UserEvents:
    """Those that one kernel records."""

    kernel: Kernel

    @asynccontextmanager
    async def storing(self, user: UserAddress) -> AsyncIterator[ObjectRef]:
        """Store where somebody is written to, for one of the two events that say so."""
        key = f"users/{user.user_id}/{uuid4().hex[:12]}.json"
        details = UserDetails(address=user.address, language=user.language)
        async with PendingObjects(self.kernel).storing(key):
            yield await self.kernel.storage.write(key, details.encode(), DETAILS)

    def registered(self, user_id: UUID, details: ObjectRef) -> Sequence[Effect]:
        """Return the effects of telling that somebody has an account."""
        event = UserRegistered(user_id=user_id, details=details)
        return [taken(details.key), *self.kernel.record(event)]

    def address_added(self, user_id: UUID) -> Sequence[Effect]:
        """Return the effects of telling that another address is proved to be somebody's."""
        return self.kernel.record(UserAddressAdded(user_id=user_id))

    def address_changed(
        self, user_id: UUID, details: ObjectRef, replaced: str | None
    ) -> Sequence[Effect]:
        """Return the effects of telling where somebody is written to from now on.

        ``replaced`` is the key of the details of before.
        """
        event = UserAddressChanged(user_id=user_id, details=details)
        effects = [taken(details.key), *self.kernel.record(event)]
        if replaced is not None:
            effects.append(removal(RemovePendingJob(key=replaced, last=True), REPLACED_FOR_MS))
        return effects

    def disabled(self, user_id: UUID, by: UUID | None) -> Sequence[Effect]:
        """Return the effects of telling that an account is closed for now."""
        return self.kernel.record(UserDisabled(user_id=user_id, disabled_by=by))

    def enabled(self, user_id: UUID, by: UUID | None) -> Sequence[Effect]:
        """Return the effects of telling that an account is open again."""
        return self.kernel.record(UserEnabled(user_id=user_id, enabled_by=by))

    def deleted(self, user_id: UUID, by: UUID | None) -> Sequence[Effect]:
        """Return the effects of telling that an account is gone, and of removing its objects."""
        gone = removal(RemovePendingJob(key=f"users/{user_id}"))
        return [gone, *self.kernel.record(UserDeleted(user_id=user_id, deleted_by=by))]
