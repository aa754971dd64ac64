"""Whom to write to."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "recipients",
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("address", sa.String(320)),
        sa.Column("language", sa.String(50)),
        sa.Column("addressed_at", sa.String(32)),
        sa.Column("is_disabled", sa.Boolean),
        sa.Column("disabled_as_of", sa.String(32)),
        sa.PrimaryKeyConstraint("user_id", name="pk_recipients"),
    )
