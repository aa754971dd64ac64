"""Who is asking: a user or a link, and what the credentials that they came with are good for."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from libs.common.contracts.permissions import Scope

KNOWN_FOR_S = 5.0
"""What is revoked elsewhere is good for so long at most; the documentation names it."""
MOST_KNOWN = 10_000


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user, and by which credentials; ``name`` is that of the token.

    Who comes with a public link of a document is nobody in particular: the link stands in place of
    a user, and ``document_id`` is what it opens.
    """

    user_id: UUID
    name: str
    scopes: frozenset[Scope]
    is_staff: bool
    document_id: UUID | None = None
    counts_as: UUID | None = None
    """In whose place requests and streams are counted; None: in that of the user."""

    @property
    def counted(self) -> UUID:
        """In whose place requests and streams are counted."""
        return self.counts_as or self.user_id


@dataclass(frozen=True)
class Maker:
    """The credentials that ask for others that last."""

    digest: str
    is_session: bool


def digest_of(secret: str) -> str:
    """Return what a credential is stored as, and known by: its SHA-256, in hex.

    It is random and long, so there is nothing to guess that a slow digest would protect.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class KnownCallers:
    """Callers that were looked up just now, by the digest of their credentials."""

    clock: Callable[[], float] = monotonic
    forgotten: int = 0
    """How often something was forgotten so far."""
    _known: OrderedDict[str, tuple[Caller, float]] = field(default_factory=OrderedDict, repr=False)

    def find(self, digest: str) -> Caller | None:
        """Return whose credentials these are, if they were looked up a moment ago."""
        caller, until = self._known.get(digest, (None, 0.0))
        return caller if self.clock() < until else None

    def remember(self, digest: str, caller: Caller, *, since: int) -> None:
        """Know it for a while, unless something was forgotten while it was looked up.

        ``since`` is how often something was ``forgotten`` before that.
        """
        if since != self.forgotten:
            return
        self._known.pop(digest, None)
        self._known[digest] = (caller, self.clock() + KNOWN_FOR_S)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def forget(self, user_id: UUID) -> None:
        """Look all credentials of a user up again: one of them was revoked."""
        self.forgotten += 1
        for digest in [key for key, (one, _) in self._known.items() if one.user_id == user_id]:
            del self._known[digest]
