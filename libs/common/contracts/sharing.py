"""Shares: who may do something with somebody else's document.

All shares of a document are one stream, so that whoever changes one has seen all the others. Whom a
share is for was written by people: it is in the details.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DocumentEvent, ObjectRef
from libs.common.contracts.details import ShareDetails, details_ref
from libs.common.contracts.permissions import ShareLevel

EndReason = Literal["revoked", "left", "account_closed"]
EXPIRES = "When it ends by itself; null: never."


class ShareEvent(DocumentEvent):
    """About a share."""

    stream_name = "sharing/{document_id}"

    share_id: UUID = Field(description="This share.")


class ShareGranted(ShareEvent):
    """Somebody may see a document of somebody else, or do more with it.

    If nobody has an account with that address, it is an invitation, and claimed later.
    """

    topic = "share.granted"
    producer = "gateway"

    granted_by: UUID = Field(description="The owner, or somebody who may share it.")
    recipient_id: UUID | None = Field(description="Who got it; null: an invitation.")
    level: ShareLevel
    expires_at: datetime | None = Field(description=EXPIRES)
    details: ObjectRef = details_ref(ShareDetails)


class ShareClaimed(ShareEvent):
    """Whoever was invited has an account now, with that address."""

    topic = "share.claimed"
    producer = "gateway"

    recipient_id: UUID = Field(description="Who has it now.")


class ShareChanged(ShareEvent):
    """A share grants something else, or ends at another time."""

    topic = "share.changed"
    producer = "gateway"

    changed_by: UUID = Field(description="Who did that.")
    level: ShareLevel
    expires_at: datetime | None = Field(description=EXPIRES)


class ShareEnded(ShareEvent):
    """A share grants nothing any more."""

    topic = "share.ended"
    producer = "gateway"

    reason: EndReason
    ended_by: UUID = Field(description="Who did that.")
