"""What people see of shares."""

from uuid import UUID

from libs.common.contracts.permissions import ShareLevel
from services.gateway.documents.views import DocumentView
from services.gateway.kernel.views import Moment, View
from services.gateway.sharing.rows import ShareRow


class ShareView(View):
    """A share, or an invitation: nobody is told which. ``mine``: the caller granted it."""

    share_id: UUID
    address: str | None
    level: ShareLevel
    message: str | None
    granted_at: Moment
    expires_at: Moment | None
    expired: bool
    mine: bool


def share_view(row: ShareRow, caller: UUID, now: str) -> ShareView:
    """Return a share as whoever may list shares sees it."""
    return ShareView(
        share_id=row.share_id,
        address=row.address,
        level=row.level,
        message=row.message,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        expired=not row.is_active(now),
        mine=row.granted_by == caller,
    )


class SharedDocumentView(DocumentView):
    """A document of somebody else, what the caller may do with it, and who says so.

    ``shared_by`` is a mail address; null: who shared it has no account.
    """

    level: ShareLevel
    shared_by: str | None
