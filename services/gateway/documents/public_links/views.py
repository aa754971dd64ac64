"""What people see of public links."""

from uuid import UUID

from services.gateway.kernel.views import Moment, View
from services.gateway.sharing.listen_links.rows import ListenLinkRow


class ListenLinkView(View):
    """A link that nobody has revoked."""

    link_id: UUID
    label: str | None
    made_at: Moment
    expires_at: Moment
    expired: bool


class NewListenLinkView(ListenLinkView):
    """A link that was just made. ``secret`` cannot be shown again."""

    secret: str


def link_view(row: ListenLinkRow, now: str) -> ListenLinkView:
    """Return a link as the owner of its document sees it."""
    return ListenLinkView(
        link_id=row.link_id,
        label=row.label,
        made_at=row.made_at,
        expires_at=row.expires_at,
        expired=not row.is_active(now),
    )
