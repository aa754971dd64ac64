"""When something about a document last changed: what changed lately is found by one look."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    changed_at = sa.Column("changed_at_s", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("document_changes", changed_at)
    op.create_index("ix_document_changes_changed_at_s", "document_changes", ["changed_at_s"])
