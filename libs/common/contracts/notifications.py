"""Notifications: what was told, and over which channel."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Event
from libs.common.contracts.identifiers import Code, Name


class NotificationEvent(Event):
    """About telling somebody of an event over one channel; keyed by document where there is one."""

    keyed_by = ("document_id", "notification_id")
    stream_name = "notification/{notification_id}"

    notification_id: UUID = Field(
        description="The same for one event and one mailbox or webhook, however often it is tried."
    )
    document_id: UUID | None
    owner_id: UUID | None = Field(description="Whose document it is.")
    about_event: UUID = Field(description="The event that was told: its ``ce_id``.")
    about_type: Name = Field(description="The type of that event.")
    channel: Name = Field(description="mail or webhook; there may be more of them.")


class NotificationSent(NotificationEvent):
    """Somebody was told of an event over one channel."""

    topic = "notification.sent"
    producer = "notifier"


class NotificationFailed(NotificationEvent):
    """Telling somebody of an event was given up."""

    topic = "notification.failed"
    producer = "notifier"

    code: Code
