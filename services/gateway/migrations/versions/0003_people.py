"""Users, their addresses, and what tokens are good for."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0003"
down_revision = "0002"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("is_staff", sa.Boolean, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
    )
    op.create_table(
        "addresses",
        sa.Column("address_id", UuidText, nullable=False),
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("folded", sa.String(320), nullable=False),
        sa.Column("is_primary", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT),
        sa.PrimaryKeyConstraint("address_id", name="pk_addresses"),
        sa.UniqueConstraint("user_id", "folded", name="uq_addresses_user_id_folded"),
    )
    op.create_index("ix_addresses_user_id", "addresses", ["user_id"])
    verified = sa.text("verified_at IS NOT NULL")
    op.create_index(
        "ix_addresses_verified",
        "addresses",
        ["folded"],
        unique=True,
        postgresql_where=verified,
        sqlite_where=verified,
    )
    every = sa.text("'admin read share write'")  # those of before may do what their owners may
    op.add_column(
        "tokens", sa.Column("scopes", sa.String(50), nullable=False, server_default=every)
    )
    op.add_column("tokens", sa.Column("last_used_at", MOMENT))
