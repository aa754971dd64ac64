"""What staff can read of users."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select, tuple_

from libs.common.database.engine import Database
from services.gateway.accounts.addresses import folded
from services.gateway.accounts.tables import addresses, users
from services.gateway.documents.stored.tables import owner_storage
from services.gateway.kernel.cursors import Slice, cursor, position
from services.gateway.staff.views import UserView

_PLACE = (users.c.created_at, users.c.user_id)
_PRIMARY = (addresses.c.user_id == users.c.user_id) & addresses.c.is_primary.is_(True)
_STORED = owner_storage.c.owner_id == users.c.user_id
_NEWEST = (
    select(
        users.c.user_id,
        addresses.c.address,
        users.c.is_staff,
        users.c.created_at,
        users.c.disabled_at,
        func.coalesce(owner_storage.c.documents, 0).label("documents"),
        func.coalesce(owner_storage.c.bytes, 0).label("stored_bytes"),
    )
    .select_from(users.join(addresses, _PRIMARY).outerjoin(owner_storage, _STORED))
    .order_by(*(column.desc() for column in _PLACE))
)


@dataclass(frozen=True)
class StaffQueries:
    """The queries. Who asks is staff: their route says so."""

    database: Database

    async def users(
        self, limit: int, after: str | None = None, search: str | None = None
    ) -> Slice[UserView]:
        """Return users, the newest first, from behind the cursor ``after``.

        With ``search``, those that have it in one of their addresses, without regard to case.

        Raises:
            Rejected: The cursor is none of ours.
        """
        wanted: Select[Any] = _NEWEST.limit(limit + 1)
        if after is not None:
            wanted = wanted.where(tuple_(*_PLACE) < position(after))
        if search is not None:
            wanted = _with_address(wanted, search)
        async with self.database.reading() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        views = tuple(UserView.model_validate(dict(row)) for row in rows[:limit])
        last = views[-1] if len(rows) > limit else None
        return Slice(views, cursor(last.created_at, last.user_id) if last else None)


def _with_address(wanted: Select[Any], search: str) -> Select[Any]:
    any_of_theirs = addresses.alias()
    return wanted.where(
        exists().where(
            any_of_theirs.c.user_id == users.c.user_id,
            any_of_theirs.c.folded.contains(folded(search), autoescape=True),
        )
    )
