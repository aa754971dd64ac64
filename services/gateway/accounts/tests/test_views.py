from uuid import UUID

from services.gateway.accounts.rows import SessionRow
from services.gateway.accounts.views import session_view

THEN = "2026-01-01T00:00:00.000000Z"


def test_a_session_is_shown_without_what_it_is_known_by():
    row = SessionRow(
        session_id=UUID(int=1),
        sha256="a" * 64,
        user_id=UUID(int=2),
        agent="Mosaic",
        created_at=THEN,
        expires_at=THEN,
        last_used_at=THEN,
    )
    assert session_view(row, "a" * 64).is_this
    shown = session_view(row, "b" * 64)
    assert not shown.is_this
    assert "aaa" not in shown.model_dump_json() + repr(row)
