"""Tokens as values."""

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator

from libs.common.contracts.permissions import Scope


def scopes_of(text: str) -> frozenset[Scope]:
    """Return scopes from their names with spaces between them, as RFC 6749, section 3.3, has it.

    Raises:
        ValueError: There is no such scope.
    """
    return frozenset(map(Scope, text.split()))


def scopes_as_text(scopes: frozenset[Scope]) -> str:
    """Return the names of scopes with spaces between them, always in the same order."""
    return " ".join(sorted(scopes))


Scopes = Annotated[frozenset[Scope], BeforeValidator(scopes_of)]


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """A token without what would let somebody in: whose it is, what for, and until when."""

    token_id: UUID
    name: str
    owner_id: UUID
    scopes: Scopes
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None

    def state(self, now: str) -> str:
        """Return ``valid``, ``expired`` or ``revoked``; ``now`` is a moment as RFC 3339."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """A session without what would let somebody in."""

    session_id: UUID
    sha256: str = field(repr=False)
    user_id: UUID
    agent: str
    created_at: str
    expires_at: str
    last_used_at: str


@dataclass(frozen=True, kw_only=True)
class AddressRow:
    """A mail address that somebody proved to be theirs."""

    address_id: UUID
    user_id: UUID
    address: str = field(repr=False)
    is_primary: bool
    created_at: str
