"""Users and their credentials: ordinary tables, for secrets never enter an event."""

from sqlalchemy import Boolean, Column, String, Table

from services.gateway.kernel.tables import ID, MOMENT, metadata

users = Table(
    "users",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
    Column("is_staff", Boolean, nullable=False),
    Column("disabled_at", MOMENT),
)
"""Who has an account. An owner who has none has tokens that an operator made."""

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", ID, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("owner_id", ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", String(50), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
    Column("last_used_at", MOMENT),
)
"""``scopes`` are names with spaces between them, as in RFC 6749, section 3.3."""
