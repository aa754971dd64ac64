"""The row of the table ``deliveries``, typed; it is read and written here and nowhere else."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self
from uuid import UUID

from services.notifier.notices import Channel, Notice

Status = Literal["waiting", "sending", "sent", "failed", "expired"]

TARGET_CHARACTERS = 255


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One event for one target; see the table for what the columns mean.

    Moments are milliseconds since 1970 UTC.
    """

    notification_id: UUID
    event_id: UUID
    type: str
    document_id: UUID | None
    owner_id: UUID | None
    page: int | None
    channel: Channel
    target: str
    status: Status
    attempts: int = 0
    last_error: str | None = None
    batch: str | None = None
    told_by: UUID | None = None
    created_at_ms: int
    due_at_ms: int
    attempted_at_ms: int | None = None
    finished_at_ms: int | None = None

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Return what the database holds; ids are text there."""
        values: dict[str, Any] = {field.name: row[field.name] for field in fields(cls)}
        for name in ("notification_id", "event_id", "document_id", "owner_id", "told_by"):
            values[name] = None if values[name] is None else UUID(values[name])
        return cls(**values)

    @classmethod
    def due(cls, notice: Notice, shown: str, *, now_ms: int) -> Self:
        """Return the row of a notice that goes out now; ``shown`` is the host of its target."""
        return cls(
            notification_id=notice.notification_id,
            event_id=notice.about,
            type=notice.about_type,
            document_id=notice.document_id,
            owner_id=notice.owner_id,
            page=notice.page,
            channel=notice.channel,
            target=shown[:TARGET_CHARACTERS],
            status="waiting",
            created_at_ms=now_ms,
            due_at_ms=now_ms,
        )

    def expired(self) -> Self:
        """Return the row of a notice that comes too late to be sent."""
        return replace(self, status="expired", finished_at_ms=self.created_at_ms)

    def in_batch(self, batch: str, *, due_at_ms: int, told_by: UUID | None) -> Self:
        """Return the row of a notice that goes out with others, in the mail of ``told_by``."""
        return replace(self, batch=batch, due_at_ms=due_at_ms, told_by=told_by)

    def values(self) -> dict[str, Any]:
        """Return the columns as the database holds them."""
        return {
            name: str(value) if isinstance(value, UUID) else value
            for name, value in asdict(self).items()
        }
