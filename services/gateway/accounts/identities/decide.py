"""Who somebody is here whom another site has proved to be somebody there; of values alone.

| linked to        | address is that of  | sign-up | what happens                              |
|------------------|---------------------|---------|-------------------------------------------|
| an account       | anything            | any     | they enter it                             |
| none             | no proof of one     | any     | refused: nothing goes by a mere claim     |
| none             | an account          | any     | it is linked, its user is told            |
| none             | an account's, alike | any     | refused: it is another mailbox            |
| none             | nobody              | open    | an account is made                        |
| none             | nobody              | else    | refused                                   |

An account that is disabled is never entered. Whoever links an identity while logged in gets it,
unless it is somebody else's.
"""

from dataclasses import dataclass, field
from uuid import UUID

from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.identities.refusals import Reason

MOST_IDENTITIES = 20
"""Of one user."""


@dataclass(frozen=True, kw_only=True)
class KnownUser:
    """Somebody who has an account here; ``identities`` is how many they are linked to.

    ``knows_issuer``: one of these is of the issuer in question.
    """

    user_id: UUID
    is_disabled: bool
    identities: int
    knows_issuer: bool


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known here of somebody who comes from another site.

    ``holder`` has the verified address that compares equal to theirs; ``same_mailbox`` says whether
    both lead to one mailbox. ``linking`` is who wants to link it; None: somebody logs in.
    """

    proven: ProvenIdentity
    linked: KnownUser | None
    holder: KnownUser | None
    same_mailbox: bool
    linking: KnownUser | None
    is_open: bool


@dataclass(frozen=True)
class Enter:
    """Somebody comes in by an identity that is linked."""

    user_id: UUID


@dataclass(frozen=True)
class Link:
    """The identity is linked to an account."""

    user_id: UUID


@dataclass(frozen=True)
class Make:
    """An account is made, with an address that the other site has verified."""

    address: str = field(repr=False)


@dataclass(frozen=True)
class Refuse:
    """Nobody comes in."""

    reason: Reason


Outcome = Enter | Link | Make | Refuse


def decide(known: Known) -> Outcome:
    """Return what is to happen."""
    if known.linking is not None:
        return _linked_by_hand(known, known.linking)
    if known.linked is not None:
        return Refuse("disabled") if known.linked.is_disabled else Enter(known.linked.user_id)
    if known.proven.address is None:
        return Refuse("unverified_address")
    if known.holder is not None:
        return _linked_by_address(known, known.holder)
    return Make(known.proven.address) if known.is_open else Refuse("sign_up_closed")


def _linked_by_hand(known: Known, user: KnownUser) -> Outcome:
    if user.is_disabled:
        return Refuse("disabled")
    if known.linked is not None:
        own = known.linked.user_id == user.user_id
        return Enter(user.user_id) if own else Refuse("somebody_elses")
    return _room(user)


def _linked_by_address(known: Known, holder: KnownUser) -> Outcome:
    if not known.same_mailbox:
        return Refuse("other_mailbox")
    if holder.is_disabled:
        return Refuse("disabled")
    # Sites give addresses of people who left to others: these must not come in for them.
    return Refuse("other_identity") if holder.knows_issuer else _room(holder)


def _room(user: KnownUser) -> Outcome:
    return Refuse("too_many") if user.identities >= MOST_IDENTITIES else Link(user.user_id)
