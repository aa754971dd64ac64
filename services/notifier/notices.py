"""Who is told of what: targets, and the notice that one target gets of one event.

A notice has one identity for ever, :meth:`Identities.of_notice`. It is the webhook's ``webhook-id``
and the mail's ``Message-ID``, so that a receiver can recognize what it already has. It is in events
too: made without a secret, it would tell whoever guesses an address that the guess is right.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.accounts import AccountMailRequested
from libs.common.contracts.audio import AudiobookFailed, AudiobookReady, AudioFailed, AudioReady
from libs.common.contracts.base import Event
from libs.common.contracts.catalog import event_by_topic
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.keyed_digests import keyed_digest, keyed_uuid

Channel = Literal["mail", "webhook"]

Told = (
    AudioReady
    | AudiobookReady
    | NarrationCompleted
    | NarrationFailed
    | AudioFailed
    | AudiobookFailed
    | DocumentRejected
    | TaskFailed
)

TOLD: tuple[type[Told], ...] = (
    AudioReady,
    AudiobookReady,
    NarrationCompleted,
    NarrationFailed,
    AudioFailed,
    AudiobookFailed,
    DocumentRejected,
    TaskFailed,
)
"""Everything that can be told."""

ACCOUNTS = "accounts"
"""The target of mails about accounts and shares, which go to somebody else each; as it is shown."""

TYPES = tuple(event.topic for event in TOLD)


@dataclass(frozen=True)
class Target:
    """One mailbox or one webhook, and the event types that it is told of.

    ``address`` is a mail address or a URL. URLs often hold a token, and a mail address is personal:
    it stays in the settings. Jobs name the target by a key, the records show ``shown``.
    """

    channel: Channel
    address: str = field(repr=False)
    types: frozenset[str]

    @property
    def shown(self) -> str:
        """The host only."""
        if self.channel == "webhook":
            return urlsplit(self.address).hostname or ""
        return parseaddr(self.address)[1].rpartition("@")[2]


@dataclass(frozen=True)
class Identities:
    """Names of targets and notices, under a secret of the installation.

    They are the same in every replica and after every restart.
    """

    secret: bytes = field(repr=False)

    def of_target(self, target: Target) -> str:
        """Return what jobs name a target by, 32 hexadecimal digits."""
        return keyed_digest(self.secret, "target", target.channel, target.address)[:16].hex()

    def of_notice(self, event_id: UUID, target: Target) -> UUID:
        """Return the identity of telling ``target`` of one event."""
        parts = ("notice", str(event_id), target.channel, target.address)
        return keyed_uuid(self.secret, *parts)

    def of_mail(self, mail_id: UUID) -> UUID:
        """Return the identity of a mail about an account or a share."""
        return keyed_uuid(self.secret, "account mail", str(mail_id))


class Notice(BaseModel):
    """What one target is told of one event. It is the payload of the jobs, and holds no address.

    ``value`` is the event's JSON as it was on the wire.
    """

    notification_id: UUID
    channel: Channel
    target_key: str
    about: UUID
    about_type: str
    occurred_at: datetime
    document_id: UUID | None
    owner_id: UUID | None
    page: int | None
    value: str

    @classmethod
    def of(cls, event: Told, target: Target, identities: Identities) -> Self:
        """Return the notice of ``event`` for ``target``; the same pair gives an equal notice."""
        return cls(
            notification_id=identities.of_notice(event.event_id, target),
            channel=target.channel,
            target_key=identities.of_target(target),
            about=event.event_id,
            about_type=event.topic,
            occurred_at=event.occurred_at,
            document_id=event.document_id,
            owner_id=event.owner_id,
            page=getattr(event, "page", None),
            value=event.encode().decode(),
        )

    @classmethod
    def of_account_mail(
        cls, event: AccountMailRequested | ShareMailRequested, identities: Identities
    ) -> Self:
        """Return the notice of a mail about an account or a share; its object has the address."""
        return cls(
            notification_id=identities.of_mail(event.mail_id),
            channel="mail",
            target_key=ACCOUNTS,
            about=event.event_id,
            about_type=event.topic,
            occurred_at=event.occurred_at,
            document_id=None,
            owner_id=None,
            page=None,
            value=event.encode().decode(),
        )

    @property
    def event(self) -> Event:
        """The event, lifted to its current version."""
        return event_by_topic()[self.about_type].decode(
            self.value.encode(), event_id=self.about, occurred_at=self.occurred_at
        )

    @property
    def data(self) -> dict[str, object]:
        """The event's fields as on the wire, ``version`` among them."""
        fields: dict[str, object] = json.loads(self.value)
        return fields
