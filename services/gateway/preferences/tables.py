"""What people prefer: an ordinary table, for nobody else has to know."""

from sqlalchemy import Column, Float, String, Table

from services.gateway.kernel.tables import ID, MOMENT, metadata

preferences = Table(
    "preferences",
    metadata,
    Column("owner_id", ID, primary_key=True),
    Column("engine", String(50)),
    Column("voice", String(200)),
    Column("rate", Float),
    Column("changed_at", MOMENT, nullable=False),
)
"""Of people with an account, and of owners who have but tokens."""
