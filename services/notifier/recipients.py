"""Whom to write to: users and their addresses, folded from the events of the gateway.

Topics know no order between them, so of two events about the same columns the later one by its own
account wins. A user who was deleted leaves a tombstone that holds no address, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete

from libs.common.contracts.accounts import (
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.details import UserDetails
from libs.common.database.upsert import upsert
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.storage.details import read_details
from libs.common.storage.port import Storage
from libs.common.store.effects import Effect
from libs.common.store.tombstones import tombstone, unless_deleted
from services.notifier.tables import recipients

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Recipients:
    """Those of one notifier."""

    storage: Storage

    async def addressed(self, event: UserRegistered | UserAddressChanged) -> Sequence[Effect]:
        """Remember an address; one that is gone was replaced, or its user deleted.

        Raises:
            Unavailable: The storage does not answer.
        """
        if not event.details.key.startswith(f"users/{event.user_id}/"):
            log.warning("details of somebody else are not read", topic=event.topic)
            return []
        try:
            found = await read_details(self.storage, event.details, UserDetails)
        except (ObjectNotFound, ObjectCorrupt):
            return []
        return _set(
            event.user_id,
            "addressed_at",
            address=found.address,
            language=found.language,
            addressed_at=rfc3339(event.occurred_at),
        )

    async def disabled(self, event: UserDisabled | UserEnabled) -> Sequence[Effect]:
        """Remember whether somebody is written to at all."""
        return _set(
            event.user_id,
            "disabled_as_of",
            is_disabled=isinstance(event, UserDisabled),
            disabled_as_of=rfc3339(event.occurred_at),
        )

    async def deleted(self, event: UserDeleted) -> Sequence[Effect]:
        """Forget somebody for ever."""
        user = str(event.user_id)
        gone = delete(recipients).where(recipients.c.user_id == user)
        return [tombstone(_subject(event.user_id)), gone]


def _set(user_id: UUID, latest_by: str, **values: Any) -> Sequence[Effect]:
    row = upsert(recipients, {"user_id": str(user_id)}, latest_by, **values)
    return [unless_deleted(row, _subject(user_id))]


def _subject(user_id: UUID) -> str:
    return f"user/{user_id}"
