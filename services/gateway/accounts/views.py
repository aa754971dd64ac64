"""What people see of their accounts."""

from uuid import UUID

from pydantic import Field

from services.gateway.accounts.rows import SessionRow
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
