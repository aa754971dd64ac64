"""Notifications: who was told of what."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Event


class NotificationEvent(Event):
    """About telling somebody of an event over one channel; keyed by document where there is one."""

    keyed_by = ("document_id", "notification_id")
    stream_name = "notification/{notification_id}"


class NotificationSent(NotificationEvent):
    """Somebody was told of an event over one channel."""

    topic = "notification.sent"
    producer = "notifier"

    notification_id: UUID = Field(description="Identity of the (event, channel) pair.")
    document_id: UUID | None = None
    about: UUID = Field(description="The event that was told.")
    about_type: str
    channel: Literal["mail", "webhook"]


class NotificationFailed(NotificationEvent):
    """Telling somebody of an event was given up."""

    topic = "notification.failed"
    producer = "notifier"

    notification_id: UUID
    document_id: UUID | None = None
    about: UUID
    about_type: str
    channel: Literal["mail", "webhook"]
    code: str
    reason: str
