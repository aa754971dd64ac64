"""Deliveries of notifications."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("notification_id", UuidText, nullable=False),
        sa.Column("event_id", UuidText, nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("document_id", UuidText),
        sa.Column("owner_id", UuidText),
        sa.Column("page", sa.Integer),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("batch", sa.String(64)),
        sa.Column("told_by", UuidText),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger, nullable=False),
        sa.Column("attempted_at_ms", sa.BigInteger),
        sa.Column("finished_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("notification_id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    op.create_index("ix_deliveries_document_id", "deliveries", ["document_id", "created_at_ms"])
    op.create_index("ix_deliveries_batch", "deliveries", ["batch", "due_at_ms"])
    op.create_index("ix_deliveries_told_by", "deliveries", ["told_by"])
