"""Who may give whom which share: all shares of a document in, an event out.

What somebody may do is worked out from the same shares that the event is decided on, and it is
appended to no other version of them. So nobody acts on a right that was taken away meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import (
    Capability,
    Role,
    ShareLevel,
    may_change_share,
    may_grant,
    role_of,
)
from libs.common.contracts.sharing import ShareChanged, ShareEnded, ShareGranted
from libs.common.errors import Rejected
from services.gateway.kernel.access import check_access
from services.gateway.kernel.errors import Forbidden, NotFound, QuotaExceeded
from services.gateway.sharing.rows import ShareRow, best

MOST_SHARES = 200
"""Of one document: each decision looks at all of them."""


@dataclass(frozen=True, kw_only=True)
class WantedShare:
    """What is to be granted. ``folded`` is the address as it is compared."""

    share_id: UUID
    address: str
    folded: str
    recipient_id: UUID | None
    level: ShareLevel
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SharedDocument:
    """A document and its open shares, at ``now``; ``folded`` are their addresses, by share."""

    document_id: UUID
    owner_id: UUID
    shares: Sequence[ShareRow]
    folded: frozenset[str]
    now: datetime

    def role(self, user: UUID) -> Role:
        """Return what a user is to the document."""
        level = best(self._of(user), rfc3339(self.now))
        return role_of(user, self.owner_id, level, is_staff=False)

    def grant(self, caller: UUID, wanted: WantedShare, details: ObjectRef) -> ShareGranted:
        """Return the event of granting a share.

        Raises:
            NotFound, Forbidden: The caller may not.
            Rejected: It is the caller's own, ends in the past, or is there already. That it is the
                owner's, nobody else is told.
            QuotaExceeded: There are as many as there may be.
        """
        self._check(caller, Capability.GRANT_SHARE)
        if not may_grant(self.role(caller), wanted.level):
            raise Forbidden("You may grant no more than you were granted.")
        if wanted.recipient_id == self.owner_id == caller:
            raise Rejected("owns_it", "The document belongs to you, who have this address.")
        if wanted.recipient_id == caller:
            said = "It is shared with you already; you cannot share it with yourself."
            raise Rejected("already_shared", said)
        if len(self.shares) >= MOST_SHARES:
            raise QuotaExceeded(f"A document has {MOST_SHARES} shares at most; revoke one first.")
        if wanted.folded in self.folded:
            said = "It is shared with this address; change that share instead."
            raise Rejected("already_shared", said)
        return ShareGranted(
            document_id=self.document_id,
            owner_id=self.owner_id,
            share_id=wanted.share_id,
            granted_by=caller,
            recipient_id=None if wanted.recipient_id == self.owner_id else wanted.recipient_id,
            level=wanted.level,
            expires_at=self._end(caller, wanted.expires_at),
            details=details,
        )

    def change(
        self, caller: UUID, share_id: UUID, level: ShareLevel, expires_at: datetime | None
    ) -> ShareChanged:
        """Return the event of changing a share.

        Raises:
            NotFound: There is no such share, for this caller.
            Forbidden: The caller may not change it, or not to this.
            Rejected: It would end in the past.
        """
        share = self._to_change(caller, share_id)
        if not may_change_share(self.role(caller), caller, share.granted_by, level):
            raise Forbidden("You may change the shares that you granted, up to your own level.")
        return ShareChanged(
            document_id=self.document_id,
            owner_id=self.owner_id,
            share_id=share_id,
            changed_by=caller,
            level=level,
            expires_at=self._end(caller, expires_at),
        )

    def revoke(self, caller: UUID, share_id: UUID) -> ShareEnded:
        """Return the event of revoking a share.

        Raises:
            NotFound: There is no such share, for this caller.
            Forbidden: The caller may not revoke it.
        """
        share = self._to_change(caller, share_id)
        if not may_change_share(self.role(caller), caller, share.granted_by):
            raise Forbidden("You may revoke the shares that you granted.")
        return self._ended(share, "revoked", caller)

    def leave(self, caller: UUID) -> list[ShareEnded]:
        """Return the events of giving up what was shared with the caller.

        Raises:
            NotFound: Nothing is.
        """
        own = [share for share in self._of(caller) if share.is_active(rfc3339(self.now))]
        if not own:
            raise NotFound("document")
        return [self._ended(share, "left", caller) for share in own]

    def _ended(self, share: ShareRow, reason: str, by: UUID) -> ShareEnded:
        return ShareEnded.model_validate(
            {
                "document_id": self.document_id,
                "owner_id": self.owner_id,
                "share_id": share.share_id,
                "reason": reason,
                "ended_by": by,
            }
        )

    def _of(self, user: UUID) -> list[ShareRow]:
        return [share for share in self.shares if share.recipient == user]

    def _check(self, caller: UUID, capability: Capability) -> None:
        check_access(self.role(caller), capability, "document")

    def _to_change(self, caller: UUID, share_id: UUID) -> ShareRow:
        self._check(caller, Capability.CHANGE_SHARE)
        for share in self.shares:
            if share.share_id == share_id:
                return share
        raise NotFound("share")

    def _end(self, caller: UUID, wanted: datetime | None) -> datetime | None:
        """Return when a share of the caller ends: not after what gives them the right."""
        if wanted is not None and wanted <= self.now:
            raise Rejected("in_the_past", "A share cannot end in the past.")
        if caller == self.owner_id:
            return wanted
        ends = [share.expires_at for share in self._granting(caller)]
        own = None if None in ends else max(filter(None, ends))
        if own is None:
            return wanted
        latest = datetime.fromisoformat(own)
        if wanted is not None and wanted > latest:
            raise Rejected("too_late", "A share cannot outlive the one that lets you grant it.")
        return wanted or latest

    def _granting(self, caller: UUID) -> list[ShareRow]:
        active = (share for share in self._of(caller) if share.is_active(rfc3339(self.now)))
        return [share for share in active if share.level is ShareLevel.CAN_SHARE]


def new_share_id() -> UUID:
    """Return the id of a share that is to be granted."""
    return uuid4()
