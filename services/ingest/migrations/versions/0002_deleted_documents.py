"""Tombstones of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "deleted_documents",
        sa.Column("document_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_deleted_documents"),
    )
