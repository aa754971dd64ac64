"""Users, and what tokens are good for."""

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
    every = sa.text("'admin read share write'")  # those of before may do what their owners may
    op.add_column(
        "tokens", sa.Column("scopes", sa.String(50), nullable=False, server_default=every)
    )
    op.add_column("tokens", sa.Column("last_used_at", MOMENT))
