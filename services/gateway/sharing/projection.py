"""Events in, rows of shares out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.sharing import ShareChanged, ShareClaimed, ShareEnded, ShareGranted
from libs.common.database.upsert import Write, upsert
from services.gateway.kernel.record import Fold
from services.gateway.sharing.tables import shares


def _share(event: Any, latest_by: str | None = None, **values: Any) -> list[Write]:
    return [upsert(shares, {"share_id": str(event.share_id)}, latest_by, **values)]


def _granted(event: ShareGranted) -> list[Write]:
    return _share(
        event,
        document_id=str(event.document_id),
        owner_id=str(event.owner_id),
        granted_by=str(event.granted_by),
        granted_to=event.recipient_id and str(event.recipient_id),
        granted_level=event.level.value,
        granted_expires_at=_moment(event.expires_at),
        granted_at=rfc3339(event.occurred_at),
    )


def _claimed(event: ShareClaimed) -> list[Write]:
    return _share(event, claimed_by=str(event.recipient_id))


def _changed(event: ShareChanged) -> list[Write]:
    return _share(
        event,
        "changed_at",
        changed_level=event.level.value,
        changed_expires_at=_moment(event.expires_at),
        changed_at=rfc3339(event.occurred_at),
    )


def _ended(event: ShareEnded) -> list[Write]:
    return _share(event, ended_at=rfc3339(event.occurred_at))


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


FOLDS: Mapping[type[Event], Fold] = {
    ShareGranted: _granted,
    ShareClaimed: _claimed,
    ShareChanged: _changed,
    ShareEnded: _ended,
}
