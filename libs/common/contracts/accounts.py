"""Accounts: people who registered, and mails that they are to be sent. No secret is in an event."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import DELETED_BY, Event, ObjectRef
from libs.common.contracts.details import MailDetails, UserDetails, details_ref

MailKind = Literal[
    "verify_address",
    "already_registered",
    "reset_password",
    "address_added",
    "address_confirmed",
    "address_changed",
    "password_changed",
    "invitation",
    "login_added",
    "login_removed",
]
CLOSED_BY = "Who did it; null: an operator of the installation."


class UserEvent(Event):
    """About somebody who has an account: order holds per user."""

    keyed_by = ("user_id",)
    stream_name = "user/{user_id}"

    user_id: UUID = Field(description="Whose account it is; also the record's key.")


class UserRegistered(UserEvent):
    """Somebody has an account: the address is confirmed, or an operator made the account."""

    topic = "user.registered"
    producer = "gateway"

    details: ObjectRef = details_ref(UserDetails)


class UserAddressAdded(UserEvent):
    """Somebody has proved that another address is theirs, too. They are written to as before."""

    topic = "user.address_added"
    producer = "gateway"


class UserAddressChanged(UserEvent):
    """Somebody is written to at another address, or in another language."""

    topic = "user.address_changed"
    producer = "gateway"

    details: ObjectRef = details_ref(UserDetails)


class UserDisabled(UserEvent):
    """An account was closed for now: sessions and tokens have ended, documents stay."""

    topic = "user.disabled"
    producer = "gateway"

    disabled_by: UUID | None = Field(description=CLOSED_BY)


class UserEnabled(UserEvent):
    """An account that was disabled is open again."""

    topic = "user.enabled"
    producer = "gateway"

    enabled_by: UUID | None = Field(description=CLOSED_BY)


class UserDeleted(UserEvent):
    """An account was deleted; the documents of its user are deleted one by one."""

    topic = "user.deleted"
    producer = "gateway"

    deleted_by: UUID | None = Field(description=DELETED_BY)


class AccountMailRequested(Event):
    """Somebody is to be sent a mail about an account, which they may not have yet.

    A link in it has a secret, which sender and receiver of this event compute from the id of the
    mail: see docs/decisions/0047.
    """

    topic = "account.mail_requested"
    producer = "gateway"
    keyed_by = ("mail_id",)
    stream_name = "mail/{mail_id}"
    version = 3
    upcasters: ClassVar = {1: dict, 2: dict}

    mail_id: UUID = Field(description="The mail; also the record's key.")
    kind: MailKind = Field(description="What the mail is for.")
    valid_until: datetime = Field(description="Afterwards it is of no use to send it.")
    details: ObjectRef = details_ref(MailDetails, "It is removed when the mail was sent.")
