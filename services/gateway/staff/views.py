"""What staff sees of users."""

from uuid import UUID

from services.gateway.kernel.views import Moment, View


class UserView(View):
    """Somebody who has an account: figures, and nothing of what they have."""

    user_id: UUID
    address: str
    is_staff: bool
    created_at: Moment
    disabled_at: Moment | None
    documents: int
    stored_bytes: int
