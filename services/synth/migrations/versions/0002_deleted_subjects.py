"""Tombstones of documents and audios."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "deleted_subjects",
        sa.Column("subject", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_deleted_subjects"),
    )
