"""Shares and public links: who may do something with somebody else's document.

All shares of a document are one stream, so that whoever changes one has seen all the others. Whom a
share is for was written by people: it is in the details. So are the links of a document another
stream; what they are called, and their secrets, are in no event.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DocumentEvent, Event, ObjectRef
from libs.common.contracts.details import ShareDetails, ShareMailDetails, details_ref
from libs.common.contracts.permissions import ShareLevel

EndReason = Literal["revoked", "left", "account_closed"]
LinkEndReason = Literal["revoked", "expired", "account_closed"]
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


class ShareMailRequested(Event):
    """Somebody is to be told by mail what was shared with them; they may have no account.

    A link in it is good for registering; see :class:`AccountMailRequested` for its secret.
    """

    topic = "share.mail_requested"
    producer = "gateway"
    keyed_by = ("mail_id",)
    stream_name = "mail/{mail_id}"

    mail_id: UUID = Field(description="The mail, one for each share; also the record's key.")
    valid_until: datetime = Field(description="Afterwards it is of no use to send it.")
    details: ObjectRef = details_ref(ShareMailDetails, "It is removed when the mail was sent.")


class ListenLinkEvent(DocumentEvent):
    """About a public link of a document."""

    stream_name = "links/{document_id}"

    link_id: UUID = Field(description="This link; it is no secret, and opens nothing.")


class ListenLinkMade(ListenLinkEvent):
    """Whoever has the secret of a link may listen to a document, without an account."""

    topic = "listen_link.made"
    producer = "gateway"

    made_by: UUID = Field(description="The owner.")
    expires_at: datetime = Field(description="When it ends by itself.")


class ListenLinkEnded(ListenLinkEvent):
    """A link opens nothing any more."""

    topic = "listen_link.ended"
    producer = "gateway"

    reason: LinkEndReason
    ended_by: UUID = Field(description="Who did that; of one that had expired, who saw to it.")
