"""Credentials: an ordinary table, for they never enter an event."""

from sqlalchemy import Column, String, Table

from services.gateway.kernel.tables import ID, MOMENT, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", ID, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("owner_id", ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
)
