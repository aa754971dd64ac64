"""What people see of their accounts."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.permissions import Scope
from services.gateway.accounts.rows import AddressRow, SessionRow, TokenRow
from services.gateway.kernel.views import View


class SessionView(View):
    """A browser in which somebody is logged in."""

    session_id: UUID
    agent: str = Field(description="As the browser calls itself; empty if it does not.")
    created_at: str
    expires_at: str
    last_used_at: str = Field(description="To the minute.")
    is_this: bool = Field(description="Whether the request came with it.")


def session_view(session: SessionRow, digest: str) -> SessionView:
    """Return a session as its user sees it, who came with the credentials of ``digest``."""
    return SessionView(
        session_id=session.session_id,
        agent=session.agent,
        created_at=session.created_at,
        expires_at=session.expires_at,
        last_used_at=session.last_used_at,
        is_this=session.sha256 == digest,
    )


class TokenView(View):
    """A token without what would let somebody in."""

    token_id: UUID
    name: str
    scopes: tuple[Scope, ...] = Field(max_length=len(Scope))
    created_at: str
    expires_at: str | None
    last_used_at: str | None = Field(description="To the minute; null: never.")


class TokenShown(TokenView):
    """A new token."""

    token: str = Field(description="It cannot be shown again.")


def token_view(token: TokenRow) -> TokenView:
    """Return a token as its user sees it."""
    return TokenView(
        token_id=token.token_id,
        name=token.name,
        scopes=tuple(sorted(token.scopes)),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


class AddressView(View):
    """A mail address that belongs to an account."""

    address_id: UUID
    address: str
    is_primary: bool = Field(description="Whether it is the one that mails go to.")
    created_at: str


def address_view(address: AddressRow) -> AddressView:
    """Return an address as its user sees it."""
    return AddressView(
        address_id=address.address_id,
        address=address.address,
        is_primary=address.is_primary,
        created_at=address.created_at,
    )


class AccountView(View):
    """An account, as its user sees it."""

    user_id: UUID
    address: str = Field(description="The one that mails go to.")
    language: str | None
    is_staff: bool
    has_password: bool
    created_at: str
